"""How do the scripts ask Farebox about money? By its command line, the same that an operator uses.
env: FAREBOX_BIN (and FAREBOX_DATA, FAREBOX_LISTEN … for the command itself)"""
import json, os, secrets, subprocess, time

import bill

BIN = os.environ.get("FAREBOX_BIN", "target/release/farebox")


def run(*arguments, stdin=""):
    """One command; its standard output. A failure shows what the command said."""
    done = subprocess.run([BIN, *arguments], input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, "farebox %s exited %d: %s" % (" ".join(arguments), done.returncode, (done.stderr or done.stdout)[-600:])
    return done.stdout


def objects(text):
    """The JSON objects of an output: one a line."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def account(email, grant=None):
    """A new account, with credit in dollars (a string) when given; its key."""
    run("admin", "account", "create", "--email", email, "--password-stdin", "--json", stdin=secrets.token_urlsafe(24) + "\n")
    if grant:
        run("admin", "credit", "grant", "--email", email, "--amount", grant, "--reason", "client scripts", "--id", "kit-" + email, "--json")
    return objects(run("admin", "key", "create", "--email", email, "--name", "kit", "--json"))[0]["key"]


def options(prices):
    """Prices as the command line takes them."""
    return [word for bucket, price in prices.items() for word in (bill.BUCKETS[bucket][1], price)]


def model(name, upstream, upstream_model, prices, *extra):
    """A new model. Prices are dollars per million as strings, by bucket."""
    run("admin", "model", "create", "--id", name, "--upstream", upstream, "--upstream-model", upstream_model, *options(prices), "--context", "128000",
        *extra, "--json")


def balance(email):
    """Nano-dollars: posted, reserved, available."""
    found = objects(run("admin", "balance", "--email", email, "--json"))[0]
    for name in ("posted_nusd", "reserved_nusd", "available_nusd"):
        assert isinstance(found[name], str), "%s is %r, but money in JSON is a string" % (name, found[name])
    return tuple(int(found[name]) for name in ("posted_nusd", "reserved_nusd", "available_nusd"))


def calls(email):
    """Every call of the account, newest first."""
    return objects(run("calls", "list", "--email", email, "--limit", "1000", "--json"))


def eventually(question, seconds=10):
    """Asks until the answer is true; the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(.1)
