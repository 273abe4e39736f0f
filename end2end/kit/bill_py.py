#!/usr/bin/env python3
"""bill_py.py   does the ledger have, call by call, what upstream.py says it would bill since its list was emptied?

Run it after a script whose calls were all made by one account, with nothing else asking the upstream meanwhile.
env: EMAIL (that account's), GRANTED (its credit in dollars), UPSTREAM (upstream.py's address), FAREBOX_BIN, FAREBOX_DATA"""
from collections import Counter
from decimal import Decimal

import bill
import fareboxcli as fb
from kitlib import UP, ctl, done, eq, json, os, t, time
from setup_py import MEDIA, every_model

EMAIL, GRANTED = os.environ["EMAIL"], int(Decimal(os.environ["GRANTED"]) * 10**9)
THERE = {name: there for name, _, there, _, _ in every_model()}
PRICES = {name: prices for name, _, _, prices, _ in every_model()}
kept = {}


def key(model, tokens): return (model, tuple(sorted(tokens.items())))


def text(counter): return "; ".join("%d x %s %s" % (count, model, dict(tokens)) for (model, tokens), count in sorted(counter.items()))


def model_of(record): return (record["body"] or {}).get("model") or "mock-moderation"


@t("the ledger is at rest")
def _():
    at_rest = lambda: (lambda posted, reserved, available: posted == available and reserved == 0)(*fb.balance(EMAIL))
    assert fb.eventually(at_rest, 15), "credit is still held 15 s after the last call: %r" % (fb.balance(EMAIL),)
    kept["calls"] = fb.calls(EMAIL)
    kept["seen"] = [record for record in ctl("GET", "/__mock/requests") if bill.is_billed(record)]
    time.sleep(.3)
    eq(len(fb.calls(EMAIL)), len(kept["calls"]), "calls a moment later")
    eq(len({call["id"] for call in kept["calls"]}), len(kept["calls"]), "ids that differ")


@t("every whole answer is charged once, by its own tokens, in their own buckets")
def _():
    wanted = Counter(key(model_of(record), bill.billed(record)) for record in kept["seen"]
                     if record["status"] == 200 and record["finished"] and bill.billed(record))
    calls = [call for call in kept["calls"] if call["rule"] == "reported" and THERE[call["model"]] != "mock-moderation"]
    found = Counter(key(THERE[call["model"]], bill.tokens_of(call)) for call in calls)
    assert wanted, "upstream.py was asked for nothing"
    missing, extra = wanted - found, found - wanted
    # Who left early may have been charged by the report that came anyway, or by what was counted here.
    broken = [record for record in kept["seen"] if record["status"] == 200 and (record["disconnected"] or not record["finished"])]
    early = Counter(key(model_of(record), bill.billed(record)) for record in broken if bill.billed(record))
    extra -= early
    counted = Counter(THERE[call["model"]] for call in kept["calls"] if call["rule"] == "estimated")
    for (model, tokens), count in list(missing.items()):
        if os.environ.get("LEAVES") and counted[model]: missing[(model, tokens)] -= min(count, counted[model])
    missing = +missing
    assert not missing and not extra, "billed by the upstream and not in the ledger: %s | in the ledger and not billed: %s" % (text(missing), text(extra))
    print("       %d answers, %s" % (sum(wanted.values()), dict(sum((Counter(dict(tokens)) for _, tokens in wanted.elements()), Counter()))))


@t("every answer that broke off is charged for no more than was made")
def _():
    for call in kept["calls"]:
        if call["rule"] != "estimated" or call["model"] in MEDIA: continue
        made = [record for record in kept["seen"] if model_of(record) == THERE[call["model"]] and record["produced_tokens"]]
        assert made, "%s: counted here, and no such stream was seen" % call["id"]
        most = max(3 * record["produced_tokens"] + 8 for record in made)
        assert call["output_tokens"] <= most, "%s: %d answer tokens counted, at most %d can be" % (call["id"], call["output_tokens"], most)
        assert call["estimated"]


@t("what is spoken is counted here, by its characters")
def _():
    wanted = Counter(len(record["body"]["input"]) for record in kept["seen"] if record["path"].endswith("/audio/speech") and record["status"] == 200)
    eq(Counter(call["units"] for call in kept["calls"] if call["model"] == "mock-tts"), wanted, "characters")


@t("every charge follows from the call's tokens and the model's prices, to the nano-dollar")
def _():
    for call in kept["calls"]:
        assert isinstance(call["charge_nusd"], str), "money in JSON is a string"
        if call["rule"] in ("reported", "estimated"): eq(int(call["charge_nusd"]), bill.charge_of(bill.tokens_of(call), PRICES[call["model"]]), "the charge of " + json.dumps(call))
        else: eq(int(call["charge_nusd"]), 0, "the charge by rule " + call["rule"])


@t("the wallet is short of exactly the sum of all charges")
def _(): eq(GRANTED - fb.balance(EMAIL)[0], sum(int(call["charge_nusd"]) for call in kept["calls"]))


@t("farebox ledger verify")
def _(): fb.run("ledger", "verify", "--json")


assert UP, "UPSTREAM is not set"
done()
