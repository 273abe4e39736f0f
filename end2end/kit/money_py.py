#!/usr/bin/env python3
"""money_py.py BASE_URL KEY MODEL   does the ledger agree, to the nano-dollar, with what the upstream would bill?

Every call below is made once, looked up in `farebox calls list` and in what upstream.py saw, and its charge is computed
again here, in whole numbers: price in micro-dollars per million tokens = pico-dollars per token; the sum of a call is
rounded up once to a nano-dollar.
env: UPSTREAM (upstream.py's address), UPSTREAM_NAME (its name in Farebox), FAREBOX_BIN, FAREBOX_DATA, EMAIL (KEY's account)"""
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import SimpleNamespace

import httpx
import fareboxcli as fb
from kitlib import BASE, KEY, UP, ctl, done, eq, json, os, t, time

EMAIL, NAME = os.environ["EMAIL"], os.environ["UPSTREAM_NAME"]
# Odd prices, so that rounding is put to the test.
PRICES = ("2.503917", "1.250001", "10.000003")
NEW_PRICES = ("7.000001", "3.000007", "21.000011")
URL = BASE + "/v1/chat/completions"
http = httpx.Client(trust_env=False, timeout=60)


def picos(prices):
    """Pico-dollars per token: input, cached input, output."""
    return [int(Decimal(price) * 10**6) for price in prices]


def charge_of(plain, cached, output, prices=PRICES):
    """Nano-dollars for so many tokens, rounded up once."""
    price = picos(prices)
    return -(-(plain * price[0] + cached * price[1] + output * price[2]) // 1000)


def seen():
    """The chat requests that reached the upstream."""
    return [record for record in ctl("GET", "/__mock/requests") if record["path"].endswith("/chat/completions")]


def body(model, prompt, **extra):
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **extra}


def ask(key, content, leave_after=None, patience=60):
    """One call. -> status, text (what arrived), whole (a clean end), error, usage, left, headers"""
    got = SimpleNamespace(status=None, text="", whole=False, error=None, usage=None, left=False, headers={})
    headers = {"authorization": "Bearer " + key, "content-type": "application/json"}
    try:
        with http.stream("POST", URL, headers=headers, json=content, timeout=httpx.Timeout(60, read=patience)) as answer:
            got.status, got.headers = answer.status_code, answer.headers
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                answer.read()
                read_plain(got, answer)
                return got
            for number, line in enumerate(answer.iter_lines()):
                read_line(got, line)
                if leave_after is not None and number >= leave_after:
                    got.left = True
                    break
    except httpx.ReadTimeout:
        got.left = True
    except httpx.HTTPError as error:
        got.error = repr(error)
    return got


def read_plain(got, answer):
    got.error = None if got.status == 200 else answer.json()["error"]
    if got.status == 200:
        found = answer.json()
        got.text = "".join(json.dumps(choice["message"], ensure_ascii=False) for choice in found["choices"])
        got.usage, got.whole = found.get("usage"), True


def read_line(got, line):
    if not line.startswith("data:"):
        return
    data = line[5:].strip()
    if data == "[DONE]":
        got.whole = got.error is None
        return
    try:
        event = json.loads(data)
    except ValueError:
        return    # the line that `badjson` breaks
    got.error = event.get("error") or got.error
    got.usage = event.get("usage") or got.usage
    for choice in event.get("choices") or []:
        got.text += json.dumps(choice["delta"], ensure_ascii=False)


class Watch:
    """What is new since it was made: calls of an account, requests at the upstream."""
    def __init__(self, email=EMAIL):
        self.email, self.before, self.requests = email, {call["id"] for call in fb.calls(email)}, len(seen())

    def new(self):
        return [call for call in fb.calls(self.email) if call["id"] not in self.before]

    def one(self, attempts=True):
        """The one new call. Looks again a moment later, so that a second charge for it would be seen."""
        assert fb.eventually(self.new), "no call is listed 10 s after it ended"
        time.sleep(.2)
        found = self.new()
        eq(len(found), 1, "new calls listed for one call made")
        call, upstream = found[0], seen()[self.requests:]
        if attempts:
            eq(len(call["attempts"]), len(upstream), "attempts listed, against requests that the upstream saw")
        return call, upstream


def recomputed(call, prices=PRICES):
    """The charge follows from the row's own tokens, whatever the rule."""
    assert isinstance(call["charge_nusd"], str), "money in JSON is a string"
    charge, rule = int(call["charge_nusd"]), call["rule"]
    if rule in ("reported", "estimated"):
        eq(charge, charge_of(call["input_tokens"], call["cached_input_tokens"], call["output_tokens"], prices), "charge, from the row's tokens")
    else:
        eq(charge, 0, "charge by rule " + rule)
    eq(call["estimated"], rule == "estimated", "estimated, by rule " + rule)
    return charge


def reported(call, upstream, got, prices=PRICES):
    """A whole answer whose usage came: charged by the report, to the token."""
    assert got.whole, "the caller got no whole answer: %s %s" % (got.status, got.error)
    usage = upstream[-1]["usage"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    tokens = (usage["prompt_tokens"] - cached, cached, usage["completion_tokens"])
    eq((call["input_tokens"], call["cached_input_tokens"], call["output_tokens"]), tokens, "token buckets")
    eq(recomputed(call, prices), charge_of(*tokens, prices), "charge")
    eq(call["estimated"], False, "estimated")
    if got.usage:
        eq((got.usage["prompt_tokens"], got.usage["completion_tokens"]), (usage["prompt_tokens"], usage["completion_tokens"]), "the caller's usage")


def estimated(call, upstream, got, whole):
    """Something arrived and no usage came: counted here, above nothing and below what the bytes allow."""
    eq(got.whole, whole, "the caller got a clean end (error: %s)" % got.error)
    eq(call["estimated"], True, "estimated")
    assert recomputed(call) > 0, "something was delivered and nothing was charged"
    assert 1 <= call["input_tokens"] + call["cached_input_tokens"] <= 400, "input tokens: %d" % call["input_tokens"]
    most = 3 * upstream[-1]["produced_tokens"] + 8 if got.left else len(got.text.encode())
    assert 1 <= call["output_tokens"] <= most, "%d output tokens counted, at most %d can be" % (call["output_tokens"], most)


def free(call, got):
    """Nothing was delivered: nothing is charged."""
    assert not got.whole and (got.left or got.error), "the caller got an answer for nothing: %r" % got.text[:80]
    eq(recomputed(call), 0, "charge")


LONG = "Please read all of this. " * 60 + "What is 6*7?"
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
ASKED = {"stream_options": {"include_usage": True}}
WELL = ["", "crlf", "split", "ping", "drip=0.02", "stall=1", "slow=1", "big=256"]
# fault -> what is expected of a plain answer, of a stream
BROKEN = {
    "nousage": ("whole", "whole"), "usage0": ("whole", "whole"), "cut": ("free", "broken"), "eof": (None, "broken"), "errmid": (None, "broken"),
    "html": ("free", "free"), "badjson": ("free", None), "empty": ("free", "free"), "reset": ("free", "free"), "500": ("free", "free"),
    "429": ("free", "free"), "400": ("free", "free"),
}
SLOW, LONGSTREAM, REPRICED = "slow=5", "drip=0.05", "drip=0.1"


def model_of(fault):
    """The Farebox model whose upstream model has this fault."""
    return "money-" + (fault.replace("=", "-").replace(".", "-") or "well")


@t("setup: models made while the server runs are seen within 5 s")
def _():
    ctl("DELETE", "/__mock/requests")    # what ran before is not ours, and the list is read often
    for fault in {*WELL, *BROKEN, SLOW, LONGSTREAM}:
        fb.model(model_of(fault), NAME, "mock-gpt" + ("@" + fault if fault else ""), PRICES)
    fb.model("money-repriced", NAME, "mock-gpt@" + REPRICED, PRICES)
    listed = lambda: "money-repriced" in http.get(BASE + "/v1/models", headers={"authorization": "Bearer " + KEY}).text
    assert fb.eventually(listed, 5), "the models are not listed after 5 s"


def check(name, fault, expect, **extra):
    @t(name)
    def _():
        watch = Watch()
        got = ask(KEY, body(model_of(fault), extra.pop("prompt", "What is 6*7? ünïcödé ✓"), **extra))
        call, upstream = watch.one(attempts=fault != "reset")
        if expect == "reported": reported(call, upstream, got)
        elif expect == "free": free(call, got)
        else: estimated(call, upstream, got, whole=expect == "whole")
        if expect == "broken": assert got.error, "the stream broke off and no error event said so"
        if not extra.get("stream_options") and extra.get("stream"): assert not got.usage, "usage leaked to a caller who did not ask"


for fault in WELL:
    check("reported: %s, plain" % (fault or "well"), fault, "reported")
    check("reported: %s, stream" % (fault or "well"), fault, "reported", stream=True)
check("reported: stream, usage asked for", "", "reported", stream=True, **ASKED)
check("reported: cached prompt, plain", "", "reported", prompt=LONG)
check("reported: cached prompt, stream", "", "reported", prompt=LONG, stream=True, **ASKED)
check("reported: reasoning, n=3", "", "reported", reasoning_effort="high", n=3)
check("reported: n=3, stream", "", "reported", n=3, stream=True)
check("reported: tools", "", "reported", prompt="weather in Paris and Rome?", tools=[TOOL])
check("reported: tools, stream", "", "reported", prompt="weather in Paris and Rome?", tools=[TOOL], stream=True)
check("reported: max_tokens", "", "reported", max_tokens=2, stream=True)
for fault, (plain, stream) in BROKEN.items():
    if plain: check("%s: %s, plain" % ("estimated" if plain == "whole" else plain, fault), fault, plain)
    if stream: check("%s: %s, stream" % ("free" if stream == "free" else "estimated", fault), fault, stream, stream=True)


@t("badjson, stream: passed on and reported, or broken off and estimated")
def _():
    watch = Watch()
    got = ask(KEY, body(model_of("badjson"), "What is 6*7?", stream=True))
    call, upstream = watch.one()
    if got.whole: reported(call, upstream, got)
    else: estimated(call, upstream, got, whole=False)


@t("free: slow, plain, the caller leaves before the answer")
def _():
    watch = Watch()
    got = ask(KEY, body(model_of(SLOW), "What is 6*7?"), patience=1)
    assert got.left, "the answer came too early for this check"
    call, upstream = watch.one()
    free(call, got)
    # It may be a plain answer that is waited for: then the upstream is not to be left hanging when Farebox gave up.
    assert fb.eventually(lambda: seen()[-1]["disconnected"]), "the upstream was not cancelled"


@t("estimated: the caller leaves a stream, the upstream is cancelled")
def _():
    watch = Watch()
    got = ask(KEY, body(model_of(LONGSTREAM), "[[long:400]]", stream=True), leave_after=12)
    assert got.left and got.text
    call, upstream = watch.one()
    assert fb.eventually(lambda: seen()[-1]["disconnected"]), "the upstream went on writing"
    upstream = seen()[watch.requests:]
    assert upstream[-1]["produced_tokens"] < 300, "the upstream was cancelled late: %d" % upstream[-1]["produced_tokens"]
    estimated(call, upstream, got, whole=False)


@t("a new price is for new calls: the one in flight keeps its own")
def _():
    watch, box = Watch(), []
    running = threading.Thread(target=lambda: box.append(ask(KEY, body("money-repriced", "[[long:80]]", stream=True))))
    running.start()
    assert fb.eventually(lambda: len(seen()) > watch.requests), "the call did not reach the upstream"
    fb.run("admin", "price", "set", "--model", "money-repriced", "--input-per-mtok", NEW_PRICES[0], "--cached-input-per-mtok", NEW_PRICES[1],
           "--output-per-mtok", NEW_PRICES[2], "--json")
    time.sleep(5)
    running.join()
    old, upstream = watch.one()
    reported(old, upstream, box[0])
    watch = Watch()
    got = ask(KEY, body("money-repriced", "What is 6*7?", stream=True))
    new, upstream = watch.one()
    reported(new, upstream, got, NEW_PRICES)
    assert new["price_version"] != old["price_version"]


@t("refusals cost nothing and reach no upstream")
def _():
    before, requests = fb.balance(EMAIL)[0], len(seen())
    post = lambda key, content: http.post(URL, headers={"authorization": "Bearer " + key, "content-type": "application/json"}, content=content)
    good = json.dumps(body(model_of(""), "hello")).encode()
    huge = json.dumps(body(model_of(""), "A" * (33 * 2**20))).encode()
    for key, content, status in ((KEY[:-1] + "?", good, 401), (KEY, good.replace(b"money-well", b"no-such-model"), 404), (KEY, good[:-3], 400), (KEY, huge, 413)):
        answer = post(key, content)
        eq(answer.status_code, status)
        assert answer.json()["error"]["message"]
    eq(len(seen()), requests, "requests at the upstream")
    eq(fb.balance(EMAIL)[0], before, "balance")


@t("an empty wallet: 429 insufficient_quota, not to be retried, nothing sent")
def _():
    key, requests = fb.account("poor@kit.test"), len(seen())
    for stream in (False, True):
        got = ask(key, body(model_of(""), "hello", stream=stream))
        eq((got.status, got.error["code"], got.error["type"]), (429, "insufficient_quota", "insufficient_quota"))
        eq(got.headers.get("x-should-retry"), "false")
    eq(len(seen()), requests, "requests at the upstream")
    eq(fb.balance("poor@kit.test"), (0, 0, 0), "balance")


@t("40 parallel calls on a wallet for a few: never below zero, each charged once")
def _():
    email, grant = "tiny@kit.test", 1_000_000
    key = fb.account(email, "0.001")
    content = lambda number: body(model_of("drip=0.02"), "What is %d*3?" % number, stream=number % 2 == 0)
    with ThreadPoolExecutor(40) as pool: gots = list(pool.map(lambda number: ask(key, content(number)), range(40)))
    for got in gots:
        assert got.status in (200, 429, 503), (got.status, got.error)
        if got.status == 429: eq(got.error["code"], "insufficient_quota")
    whole = sum(got.whole for got in gots)
    assert 0 < whole < 40, "%d of 40 got a whole answer" % whole
    charges = lambda: [recomputed(call) for call in fb.calls(email)]
    spent = lambda: grant - fb.balance(email)[0]
    assert fb.eventually(lambda: sum(charges()) == spent()), "charges of %d, but %d is gone" % (sum(charges()), spent())
    posted, _, available = fb.balance(email)
    assert posted >= 0 and available >= 0, (posted, available)
    assert sum(charge > 0 for charge in charges()) >= whole, "a whole answer was not charged"


@t("the wallet is short of exactly the sum of all charges")
def _():
    posted = lambda: fb.balance(EMAIL)
    assert fb.eventually(lambda: posted()[0] == posted()[2], 15), "credit still held 15 s after the last call: %r" % (posted(),)
    rows = fb.calls(EMAIL)
    eq(len({row["id"] for row in rows}), len(rows), "ids that differ")
    granted = int(Decimal(os.environ["GRANTED"]) * 10**9)
    eq(granted - posted()[0], sum(int(row["charge_nusd"]) for row in rows), "granted less posted, against the sum of charges")


@t("farebox ledger verify")
def _():
    fb.run("ledger", "verify", "--json")


done()
