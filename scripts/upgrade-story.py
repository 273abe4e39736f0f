"""What has happened in an installation that is worth upgrading? A year of one in a minute, told to a real binary:
people, keys, models and prices, top-ups that arrive and some that do not, refunds, calls that end well, badly and at a
loss, and in the end a crash with a call still running. scripts/make-upgrade-fixture.sh runs it and writes the database
down. env: FAREBOX_BIN, FAREBOX_DATA, FAREBOX_CONFIG, DATABASE_URL as for the command itself."""
import atexit, html, http.cookiejar, http.server, json, os, re, signal, subprocess, sys, threading, time, urllib.error, urllib.parse, urllib.request

BIN = os.environ["FAREBOX_BIN"]
PASSWORD = "seven unrelated sparrows"
GPT = {"input": "2.50", "cached-input": "1.25", "output": "10.00"}


def run(*words, stdin=""):
    """One command; the JSON objects that it prints."""
    done = subprocess.run([BIN, *words, "--json"], input=stdin, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        sys.exit("farebox %s: %s" % (" ".join(words), done.stderr or done.stdout))
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def eventually(question, what, seconds=20):
    end = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > end:
            sys.exit("waited in vain for " + what)
        time.sleep(.05)
    return answer


class Upstream(http.server.BaseHTTPRequestHandler):
    """A provider that reports whatever usage the prompt names: `input cached output reasoning`."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        words = asked["messages"][-1]["content"].split()
        if words[0] == "hang":
            time.sleep(600)
        if words[0] == "fail":
            return self.answer(500, {"error": {"message": "out of order", "type": "server_error"}})
        tokens, cached, output, reasoning = map(int, words)
        self.answer(200, {
            "id": "chatcmpl-fixture", "object": "chat.completion", "created": 0, "model": asked["model"], "service_tier": asked.get("service_tier"),
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "42"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": tokens, "completion_tokens": output, "total_tokens": tokens + output,
                      "prompt_tokens_details": {"cached_tokens": cached}, "completion_tokens_details": {"reasoning_tokens": reasoning}}})

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server:
    """`farebox serve`, and what it said at its start."""

    def __init__(self, *words):
        self.process = subprocess.Popen([BIN, "serve", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said = []
        # Whatever goes wrong with the story: nothing is left running.
        atexit.register(self.process.kill)
        threading.Thread(target=lambda: [self.said.append(line) for line in self.process.stdout], daemon=True).start()
        self.url = eventually(lambda: self.find(r"public_url=(http://[0-9.:]+)"), "the server")

    def find(self, pattern):
        found = re.search(pattern, "".join(self.said))
        return found and found[1]

    def call(self, key, model, prompt, wait=True, **more):
        """One chat call; its status. Without `wait` it is left running."""
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}], **more}).encode()
        request = urllib.request.Request(self.url + "/v1/chat/completions", body, {"authorization": "Bearer " + key, "content-type": "application/json"})

        def ask():
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    answer.read()
                    return answer.status
            except urllib.error.HTTPError as refused:
                return refused.code
            except OSError:
                return 0
        if wait:
            return ask()
        threading.Thread(target=ask, daemon=True).start()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(60)


class Browser:
    """Somebody with a browser without JavaScript."""

    def __init__(self, url):
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def go(self, address, form=None):
        """The page, and where it was in the end."""
        whole = urllib.parse.urljoin(self.url, address)
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        headers = {"accept": "text/html", "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "sec-fetch-site": "same-origin"}
        with self.opener.open(urllib.request.Request(whole, data, headers), timeout=60) as answer:
            return answer.read().decode(), answer.url

    def send(self, page, verb, **fields):
        """Fills the form of a page in and sends it."""
        form = re.search(r'<form[^>]*action="/api/%s".*?</form>' % verb, page, re.S)
        if not form:
            sys.exit("the page has no form %s" % verb)
        for field in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", form[0]):
            name, value = re.search(r'name="([^"]*)"', field), re.search(r'value="([^"]*)"', field)
            if name:
                fields.setdefault(name[1], html.unescape(value[1]) if value else "")
        return self.go("/api/" + verb, fields)

    def sign_in(self, email):
        self.send(self.go("/login")[0], "sign_in", email=email, password=PASSWORD)
        return self

    def order(self, amount, currency, provider="sandbox"):
        """Orders by the offer that is shown; the order's id and its page."""
        query = urllib.parse.urlencode({"provider": provider, "currency": currency, "amount": amount})
        page, url = self.send(self.go("/wallet/top-up?" + query)[0], "create_order")
        found = re.search(r"order_[0-9a-f]{32}", url)
        return found[0] if found else sys.exit("no order was made: " + url), page

    def pays(self, amount, currency, action="pay"):
        """Orders, and presses a button of the sandbox's pay page; the order's id."""
        order, page = self.order(amount, currency)
        link = html.unescape(re.search(r'href="(http://127[^"]*/pay/[^"]*)"', page)[1])
        form = {"action": action, "webhook": "once", "object": "right", "lookup": "right"}
        pay = self.go(link)[0]
        for name in ("webhook", "object", "lookup"):
            choice = re.search(r'<select[^>]*name="%s".*?</select>' % name, pay, re.S)[0]
            chosen = re.search(r'<option[^>]*value="([^"]*)"[^>]*selected', choice) or re.search(r'<option[^>]*value="([^"]*)"', choice)
            form[name] = chosen[1]
        self.go(link, form)
        return order


def is_now(order, *statuses):
    eventually(lambda: run("admin", "order", "show", order)[0]["status"] in statuses, "order %s to be %s" % (order, statuses))


def model(name, upstream, input="0", output="0", **more):
    words = ["--input-per-mtok", input, "--output-per-mtok", output]
    for word, value in more.items():
        words += ["--" + word.replace("_", "-"), value]
    run("admin", "model", "create", "--id", name, "--upstream", upstream, "--context", "128000", *words)


def account(email, *more):
    run("admin", "account", "create", "--email", email, "--password-stdin", *more, stdin=PASSWORD + "\n")


def key(email, name, *limits):
    return run("admin", "key", "create", "--email", email, "--name", name, *limits)[0]


# Everything is on this machine, whatever proxy its environment names.
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))
upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
server = Server("--welcome")

# The operator: claims the installation, offers models, sets rates, changes prices.
root = Browser(server.url)
claim = eventually(lambda: server.find(r"(/claim/\w+)"), "the link to claim it")
root.send(root.go(claim)[0], "claim", email="root@example.com", password=PASSWORD)
run("admin", "upstream", "create", "--name", "fixture", "--dialect", "openai", "--base-url", "http://127.0.0.1:%d/v1" % upstream.server_port,
    "--api-key-stdin", stdin="sk-of-a-throw-away-upstream\n")
model("gpt-fixture", "fixture", "2.50", "10.00", cached_input_per_mtok="1.25", cost_input_per_mtok="2", cost_output_per_mtok="8")
model("tiny", "fixture", "0.000001", "0.000003")
model("free", "fixture")
model("tiered", "fixture", "1", "4", cache_write_per_mtok="1.25", reasoning_per_mtok="5", calls_per_million="100", priority_factor="2", high_effort_factor="3",
      long_prompt_above="10000", long_input_per_mtok="2", long_output_per_mtok="8")
model("sandbox-nousage", "sandbox", "0.10", "0.40")
model("sandbox-midstream-error", "sandbox", "0.10", "0.40")
rule = os.path.join(os.environ["FAREBOX_DATA"], "rule.json")
with open(rule, "w") as file:
    file.write('{"rule":"cost_plus","base":{"input":2000000,"cached_input":1000000,"output":8000000},"coefficient":"1.4","margin":"1.09"}')
for currency, rate in (("EUR", "0.92"), ("JPY", "155.5")):
    run("admin", "rate", "set", "--currency", currency, "--per-usd", rate)

# Ada: credit from the operator, keys with limits, one rolled and one revoked; calls of every kind.
account("ada@example.com")
run("admin", "credit", "grant", "--email", "ada@example.com", "--amount", "12.345678901", "--reason", "For a good report", "--id", "ticket-1")
run("admin", "credit", "grant", "--email", "ada@example.com", "--amount", "0.5", "--reason", "Sorry for the outage")
ada = key("ada@example.com", "laptop", "--day-usd", "3", "--month-usd", "20", "--total-usd", "50", "--requests-per-minute", "600")
old = key("ada@example.com", "old")
narrow = key("ada@example.com", "narrow", "--model", "tiny", "--network", "127.0.0.0/8", "--concurrency", "3", "--expires", "2099-01-01")
test = key("ada@example.com", "test", "--test")
# A running server learns of models, prices and keys within five seconds.
eventually(lambda: server.call(ada["key"], "sandbox-midstream-error", "1", stream=True) == 200, "the new models")
statuses = [server.call(ada["key"], "gpt-fixture", "1000 400 500 200") for _ in range(5)]
statuses += [server.call(ada["key"], name, "Count to ten", stream=stream) for name in ("sandbox-echo", "sandbox-lorem", "sandbox-nousage") for stream in (False, True)]
statuses += [server.call(narrow["key"], "tiny", "7 0 3 0"), server.call(ada["key"], "free", "100 0 50 0"), server.call(test["key"], "sandbox-echo", "Hello")]
statuses += [server.call(ada["key"], "tiered", prompt, **more) for prompt, more in (
    ("900 300 50 20", {}), ("900 300 50 20", {"service_tier": "priority"}), ("900 0 50 20", {"reasoning_effort": "high"}), ("20000 0 7 0", {}))]
statuses += [server.call(old["key"], "sandbox-reasoner", "What is 17 * 23?")]
if set(statuses) != {200}:
    sys.exit("calls were refused: %s" % statuses)
if server.call(ada["key"], "gpt-fixture", "fail") < 500 or server.call(narrow["key"], "free", "1 0 1 0") == 200:
    sys.exit("a call that must fail did not")
rolled = run("admin", "key", "roll", "--id", ada["id"])[0]["key"]
run("admin", "key", "revoke", "--id", old["id"])
run("admin", "price", "set", "--model", "tiny", "--input-per-mtok", "0.000002", "--output-per-mtok", "0.000004")
run("admin", "price", "rule", "--model", "gpt-fixture", "--file", rule)

# Ada tops up: by card in euros with a bonus, in yen, by bank transfer; some of it goes back, and some never arrives.
browser = Browser(server.url).sign_in("ada@example.com")
paid = browser.pays("30", "EUR")
is_now(paid, "credited")
yen = browser.pays("1555", "JPY")
is_now(yen, "credited")
transfer, _ = browser.order("20", "EUR", provider="manual")
run("admin", "order", "confirm", transfer, "--received", "20", "--note", "Statement 7, line 3")
given_up = browser.pays("5", "USD", "decline")
is_now(given_up, "failed")
browser.order("6", "USD")
rejected, _ = browser.order("7.50", "EUR", provider="manual")
run("admin", "order", "reject", rejected, "--note", "Nothing came")
run("admin", "order", "refund", paid, "--credit", "4.25", "--note", "Asked for it", "--id", "fixture-refund")
is_now(paid, "partially_refunded")
run("admin", "order", "refund", yen, "--note", "All of it")
is_now(yen, "refunded")

# Bob signs up by himself: welcome credit, policies read and accepted, a call that costs more than he has.
bob = Browser(server.url)
bob.send(bob.go("/signup")[0], "sign_up", name="Bob", email="bob@example.com", password=PASSWORD, terms="on", consent="on")
link = eventually(lambda: re.search(r'href="(/verify/[^"]*)"', bob.go("/outbox")[0]), "the mail to Bob")[1]
bob.send(bob.go(link)[0], "verify")
bob_key = key("bob@example.com", "poor")["key"]
eventually(lambda: server.call(bob_key, "gpt-fixture", "10 0 10 0", max_tokens=16) == 200, "Bob's key")
server.call(bob_key, "gpt-fixture", "10 0 900000 0", max_tokens=16)

# Carol is shut out. A second start takes over in good order; then it crashes with a call running.
account("carol@example.com")
run("admin", "credit", "grant", "--email", "carol@example.com", "--amount", "1", "--reason", "A trial")
run("admin", "account", "block", "--email", "carol@example.com", "--reason", "A test")
server.stop()
server = Server()
eventually(lambda: server.call(rolled, "gpt-fixture", "2000 0 100 50") == 200, "the rolled key")
server.call(rolled, "gpt-fixture", "hang", wait=False)
eventually(lambda: int(run("admin", "balance", "--email", "ada@example.com")[0]["reserved_nusd"]) > 0, "a call that runs")
server.stop(signal.SIGKILL)
