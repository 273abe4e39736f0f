#!/usr/bin/env python3
"""money_py.py BASE_URL KEY MODEL   does the ledger agree, to the nano-dollar, with what the upstream would bill?

Every call below is made once, looked up in `farebox calls list` and in what upstream.py saw, and its charge is computed
again here, in whole numbers (bill.py). Chat most of all; the other dialects where they differ: how usage is reported, and how
a stream ends. Whole scripts of calls in every dialect are compared by bill_py.py.
env: UPSTREAM (upstream.py's address), FAREBOX_BIN, FAREBOX_DATA, EMAIL (KEY's account), GRANTED (its credit in dollars);
the upstreams of setup_py.py"""
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import SimpleNamespace

import bill
import httpx
import fareboxcli as fb
from kitlib import BASE, KEY, UP, ctl, done, eq, json, os, t, time

EMAIL = os.environ["EMAIL"]
NEW_PRICES = {**bill.PRICES, "input": "7.000001", "cached_input": "3.000007", "output": "21.000011"}
# Of text alone: what is held for a call is by its dearest bucket.
TEXT_PRICES = {bucket: bill.PRICES[bucket] for bucket in ("input", "cached_input", "output")}
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
http = httpx.Client(trust_env=False, timeout=60)


def seen():
    """The requests that reached the upstream."""
    return [record for record in ctl("GET", "/__mock/requests") if bill.is_billed(record)]


def body(model, prompt, dialect="chat", **extra):
    if dialect == "responses": return {"model": model, "input": prompt, "store": False, **extra}
    if dialect == "messages": extra = {"max_tokens": 400_000, **extra}
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **extra}


def ask(key, content, leave_after=None, patience=60, dialect="chat"):
    """One call. -> status, text (what arrived), pieces (of it), whole (a clean end), error, usage, left, headers"""
    got = SimpleNamespace(status=None, text="", pieces=0, whole=False, error=None, usage=None, left=False, headers={})
    headers = {"authorization": "Bearer " + key, "content-type": "application/json"}
    if dialect == "messages": headers["anthropic-version"] = "2023-06-01"
    try:
        with http.stream("POST", BASE + PATHS[dialect], headers=headers, json=content, timeout=httpx.Timeout(60, read=patience)) as answer:
            got.status, got.headers = answer.status_code, answer.headers
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                answer.read()
                read_plain(got, answer)
                return got
            for number, line in enumerate(answer.iter_lines()):
                if line.startswith("data:"): READERS[dialect](got, line[5:].strip())
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
        got.text = json.dumps(found.get("choices") or found.get("output") or found.get("content"), ensure_ascii=False)
        got.usage, got.whole = found.get("usage"), True


def read_chat(got, data):
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
        got.pieces += bool(choice["delta"].get("content"))


def read_responses(got, data):
    event = json.loads(data)
    if event["type"].endswith(".delta"): got.text, got.pieces = got.text + json.dumps(event["delta"], ensure_ascii=False), got.pieces + 1
    if event["type"] in ("error", "response.failed"): got.error = event
    if event["type"] in ("response.completed", "response.incomplete"): got.usage, got.whole = event["response"]["usage"], got.error is None


def read_messages(got, data):
    event = json.loads(data)
    if event["type"] == "content_block_delta": got.text, got.pieces = got.text + json.dumps(event["delta"], ensure_ascii=False), got.pieces + 1
    if event["type"] == "error": got.error = event
    if event["type"] == "message_start": got.usage = event["message"]["usage"]
    if event["type"] == "message_delta": got.usage = {**got.usage, **event["usage"]}
    if event["type"] == "message_stop": got.whole = got.error is None


READERS = {"chat": read_chat, "responses": read_responses, "messages": read_messages}


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


def recomputed(call, prices=bill.PRICES):
    """The charge follows from the row's own tokens, whatever the rule."""
    assert isinstance(call["charge_nusd"], str), "money in JSON is a string"
    charge, rule = int(call["charge_nusd"]), call["rule"]
    if rule in ("reported", "estimated"):
        eq(charge, bill.charge_of(bill.tokens_of(call), prices), "charge, from the row's tokens")
    else:
        eq(charge, 0, "charge by rule " + rule)
    eq(call["estimated"], rule == "estimated", "estimated, by rule " + rule)
    return charge


def reported(call, upstream, got, prices=bill.PRICES):
    """A whole answer whose usage came: charged by the report, to the token."""
    assert got.whole, "the caller got no whole answer: %s %s" % (got.status, got.error)
    tokens = bill.billed(upstream[-1])
    eq(bill.tokens_of(call), tokens, "token buckets")
    eq(recomputed(call, prices), bill.charge_of(tokens, prices), "charge")
    eq(call["estimated"], False, "estimated")
    if got.usage:
        sums = [name for name in ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens") if name in upstream[-1]["usage"]]
        eq({name: got.usage[name] for name in sums}, {name: upstream[-1]["usage"][name] for name in sums}, "the caller's usage")


def estimated(call, upstream, got, whole):
    """Something arrived and no usage came, or none of the answer: counted here, above nothing and below what the bytes allow."""
    eq(got.whole, whole, "the caller got a clean end (error: %s)" % got.error)
    # Messages report the prompt first, with a token or so of an answer that is still to come: that is no report of it.
    eq(call["estimated"], True, "estimated")
    assert recomputed(call) > 0, "something was delivered and nothing was charged"
    assert 1 <= call["input_tokens"] + call["cached_input_tokens"] <= 400, "input tokens: %d" % call["input_tokens"]
    most = 3 * upstream[-1]["produced_tokens"] + 8 if got.left else len(got.text.encode())
    # A piece is a word, which is a token at least; a row of words and figures may share some.
    least = max(1, got.pieces // 2)
    assert least <= call["output_tokens"] <= most, "%d output tokens counted, %d to %d can be" % (call["output_tokens"], least, most)


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


# What is asked in the other dialects too; upstream.py knows `usage0` and `badjson` in chat alone.
OTHERS = {"": "reported", "split": "reported", "nousage": "whole", "cut": "broken", "eof": "broken", "errmid": "broken", "html": "free"}


def model_of(fault, dialect="chat"):
    """The Farebox model whose upstream model has this fault, and which is served in the dialect."""
    family = "claude-" if dialect == "messages" else "money-"
    return family + (fault.replace("=", "-").replace(".", "-") or "well")


@t("setup: models made while the server runs are seen within 5 s")
def _():
    ctl("DELETE", "/__mock/requests")    # what ran before is not ours, and the list is read often
    for fault in {*WELL, *BROKEN, SLOW, LONGSTREAM}:
        fb.model(model_of(fault), "mock", "mock-gpt" + ("@" + fault if fault else ""), bill.PRICES)
    for fault in {*OTHERS, LONGSTREAM}:
        fb.model(model_of(fault, "messages"), "mock-anthropic", "mock-claude" + ("@" + fault if fault else ""), bill.PRICES)
    fb.model("money-text", "mock", "mock-gpt@drip=0.02", TEXT_PRICES)
    fb.model("money-repriced", "mock", "mock-gpt@" + REPRICED, bill.PRICES)
    listed = lambda: "money-repriced" in http.get(BASE + "/v1/models", headers={"authorization": "Bearer " + KEY}).text
    assert fb.eventually(listed, 5), "the models are not listed after 5 s"


def check(name, fault, expect, dialect="chat", **extra):
    @t(name)
    def _():
        watch = Watch()
        got = ask(KEY, body(model_of(fault, dialect), extra.pop("prompt", "What is 6*7? ünïcödé ✓"), dialect, **extra), dialect=dialect)
        call, upstream = watch.one(attempts=fault != "reset")
        if expect == "reported": reported(call, upstream, got)
        elif expect == "free": free(call, got)
        else: estimated(call, upstream, got, whole=expect == "whole")
        if expect == "broken": assert got.error, "the stream broke off and no error event said so"
        if dialect == "chat" and not extra.get("stream_options") and extra.get("stream"): assert not got.usage, "usage leaked to a caller who did not ask"


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


for dialect in ("responses", "messages"):
    for fault, expect in OTHERS.items():
        check("%s, %s: %s, stream" % (dialect, expect, fault or "well"), fault, expect, dialect, stream=True)
        if expect != "broken": check("%s, %s: %s, plain" % (dialect, expect, fault or "well"), fault, expect, dialect)
    check("%s, reported: a long prompt, stream" % dialect, "", "reported", dialect, prompt=LONG, stream=True)
check("responses, reported: reasoning", "", "reported", "responses", reasoning={"effort": "high"}, stream=True)
for hold in ("5m", "1h"):
    marked = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": hold}}]
    check("messages, reported: a prompt that is written into the cache for %s" % hold, "", "reported", "messages", system=marked)
    check("messages, reported: a prompt that is written into the cache for %s, stream" % hold, "", "reported", "messages", system=marked, stream=True)


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


for dialect in PATHS:
    @t("estimated: the caller leaves a stream of %s, the upstream is cancelled" % dialect)
    def _():
        watch = Watch()
        # Past the events that begin a stream of responses, each of which has two lines and an empty one.
        got = ask(KEY, body(model_of(LONGSTREAM, dialect), "[[long:400]]", dialect, stream=True), leave_after=12 if dialect == "chat" else 30, dialect=dialect)
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
    fb.run("admin", "price", "set", "--model", "money-repriced", *fb.options(NEW_PRICES), "--json")
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
    post = lambda key, content: http.post(BASE + PATHS["chat"], headers={"authorization": "Bearer " + key, "content-type": "application/json"}, content=content)
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
    content = lambda number: body("money-text", "What is %d*3?" % number, stream=number % 2 == 0)
    with ThreadPoolExecutor(40) as pool: gots = list(pool.map(lambda number: ask(key, content(number)), range(40)))
    for got in gots:
        assert got.status in (200, 429, 503), (got.status, got.error)
        if got.status == 429: eq(got.error["code"], "insufficient_quota")
    whole = sum(got.whole for got in gots)
    assert 0 < whole < 40, "%d of 40 got a whole answer" % whole
    charges = lambda: [recomputed(call, TEXT_PRICES) for call in fb.calls(email)]
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
