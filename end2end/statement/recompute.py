#!/usr/bin/env python3
"""Does a statement add up? Computes it again from its files alone, to the nano-dollar.

    recompute.py statement.json statement.csv [the next period's files ...]

The files are those of /wallet/statement/export/json and /wallet/statement/export/csv with `detail=calls`, of the same
days. Nothing of Farebox is used: only this file, Python's standard library, and the published rule that a call costs
its tokens times their prices (in micro-dollars per million tokens, which is pico-dollars per token), summed over its
buckets, tool calls, units and the call itself, and rounded up once to a whole nano-dollar. Several periods must follow one another without a break.

    --balance N   what the wallet must hold at the end, in nano-dollars

Answers 0 when everything adds up, 1 with the first line that differs, 2 when the files cannot be read.
"""

import csv
import json
import sys

TOKENS = (
    "input", "cached_input", "cache_write", "cache_write_1h", "audio_input", "image_input",
    "output", "reasoning", "audio_output", "image_output",
)
COUNTS = ("tool_calls", "units")
PRICES = (*TOKENS, *COUNTS, "call")
RECORDS = ("opening", "line", "closing", "call")


class Differs(Exception):
    """Something does not add up: where, what is written there, and what was computed."""

    def __init__(self, where, written, computed):
        super().__init__(f"{where}: written {written}, computed {computed}")


def must(where, written, computed):
    if written != computed:
        raise Differs(where, written, computed)


def dollars(nanos):
    """Nano-dollars as dollars: with cents, and as many more digits as there are."""
    sign, nanos = ("-" if nanos < 0 else ""), abs(nanos)
    digits = f"{nanos % 10**9:09}".rstrip("0").ljust(2, "0")
    return f"{sign}{nanos // 10**9}.{digits}"


def money(where, value):
    """The amount of a JSON value, whose two exact forms must agree."""
    nanos = int(value["nusd"])
    must(f"{where}, in dollars", value["usd"], dollars(nanos))
    return nanos


def cost(tokens, prices):
    """What a call costs: the published rule."""
    # Reasoning is part of the output, and the call itself is always one.
    counts = {**tokens, "output": tokens["output"] - tokens["reasoning"], "call": 1}
    picos = sum(counts[bucket] * prices[bucket] for bucket in PRICES)
    return -(-picos // 1000)


def of_json(path):
    """A JSON file as plain numbers, its own fields checked against one another."""
    with open(path, encoding="utf-8") as file:
        whole = json.load(file)
    if whole["object"] != "statement" or whole["version"] != 1:
        raise ValueError(f"{path} is no statement of version 1")
    if not whole["with_calls"]:
        raise ValueError(f"{path} has no calls; export it with detail=calls")
    lines = []
    for number, line in enumerate(whole["lines"], 1):
        where = f"{path}, line {number} ({line['date']}, {line['kind']})"
        lines.append({
            "where": where,
            "date": line["date"],
            "time": line["time"],
            "kind": line["kind"],
            "amount": money(f"{where}, amount", line["amount"]),
            "balance": money(f"{where}, balance", line["balance"]),
            "calls": line["calls"],
            "reference": line["reference"] or "",
        })
    calls = []
    for call in whole["calls"]:
        where = f"{path}, {call['id']}"
        if call["micro_usd_per_million"] is None:
            raise Differs(where, "no prices", "a charge needs prices")
        calls.append({
            "where": where,
            "id": call["id"],
            "date": call["date"],
            "time": call["booked_at"],
            "price_version": call["price_version"],
            "tokens": {**{bucket: call["tokens"][bucket] for bucket in TOKENS}, **{name: call[name] for name in COUNTS}},
            "prices": {bucket: int(call["micro_usd_per_million"][bucket]) for bucket in PRICES},
            "charge": money(f"{where}, charge", call["charge"]),
            "unbilled": money(f"{where}, unbilled", call["unbilled"]),
        })
    totals = [
        (total["kind"], total["lines"], money(f"{path}, total of {total['kind']}", total["amount"]))
        for total in whole["totals"]
    ]
    return {
        "path": path,
        "period": (whole["period"]["from"], whole["period"]["to"]),
        "begins": whole["period"]["begins_at"],
        "ends": whole["period"]["ends_before"],
        "opening": money(f"{path}, opening balance", whole["opening"]),
        "closing": money(f"{path}, closing balance", whole["closing"]),
        "lines": lines,
        "calls": calls,
        "totals": totals,
    }


def of_csv(path):
    """A CSV file as plain numbers, in the same form."""
    found = {record: [] for record in RECORDS}
    with open(path, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            where = f"{path}, {row['record']} {row['call_id'] or row['date'] + ' ' + row['kind']}"
            row["where"] = where
            for column in ("amount", "balance"):
                if row[f"{column}_nusd"]:
                    row[column] = int(row[f"{column}_nusd"])
                    must(f"{where}, {column} in dollars", row[f"{column}_usd"], dollars(row[column]))
            found[row["record"]].append(row)
    if len(found["opening"]) != 1 or len(found["closing"]) != 1:
        raise ValueError(f"{path} has not one opening and one closing balance")
    (opening,), (closing,) = found["opening"], found["closing"]
    lines = [
        {
            "where": row["where"],
            "date": row["date"],
            "time": row["time"],
            "kind": row["kind"],
            "amount": row["amount"],
            "balance": row["balance"],
            "calls": int(row["calls"]) if row["calls"] else None,
            "reference": row["reference"],
        }
        for row in found["line"]
    ]
    calls = [
        {
            "where": row["where"],
            "id": row["call_id"],
            "date": row["date"],
            "time": row["time"],
            "price_version": row["price_version"],
            "tokens": {**{bucket: int(row[f"{bucket}_tokens"]) for bucket in TOKENS}, **{name: int(row[name]) for name in COUNTS}},
            "prices": {bucket: int(row[f"{bucket}_micro_usd_per_million"]) for bucket in PRICES},
            "charge": -row["amount"],
            "unbilled": int(row["unbilled_nusd"]),
        }
        for row in found["call"]
    ]
    return {
        "path": path,
        "period": (opening["date"], closing["date"]),
        "begins": opening["time"],
        "ends": closing["time"],
        "opening": opening["balance"],
        "closing": closing["balance"],
        "lines": lines,
        "calls": calls,
        "totals": None,
    }


def recompute(statement):
    """Every charge from its tokens, every line from its calls, every balance from the line before."""
    charged, counted, seen = {}, {}, set()
    for call in statement["calls"]:
        where = call["where"]
        if call["id"] in seen:
            raise Differs(where, "twice", "once")
        seen.add(call["id"])
        must(f"{where}, date", call["date"], call["time"][:10])
        must(f"{where}, charge and what was not charged", call["charge"] + call["unbilled"], cost(call["tokens"], call["prices"]))
        if call["charge"] <= 0 or call["unbilled"] < 0:
            raise Differs(where, f"charged {call['charge']}, not charged {call['unbilled']}", "a charge above zero")
        charged[call["date"]] = charged.get(call["date"], 0) + call["charge"]
        counted[call["date"]] = counted.get(call["date"], 0) + 1

    first, last = statement["period"]
    balance, before, totals = statement["opening"], "", {}
    if balance < 0:
        raise Differs(f"{statement['path']}, opening balance", balance, "never below zero")
    for line in statement["lines"]:
        where, date = line["where"], line["date"]
        if not first <= date <= last or date < before:
            raise Differs(f"{where}, date", date, f"a day from {max(first, before)} to {last}")
        must(f"{where}, date", date, line["time"][:10])
        before = date
        if line["kind"] == "usage":
            must(f"{where}, amount", line["amount"], -charged.pop(date, 0))
            must(f"{where}, calls", line["calls"], counted.pop(date, 0))
        balance += line["amount"]
        must(f"{where}, balance", line["balance"], balance)
        if balance < 0:
            raise Differs(f"{where}, balance", balance, "never below zero")
        lines, amount = totals.get((line["kind"], line["amount"] > 0), (0, 0))
        totals[line["kind"], line["amount"] > 0] = (lines + 1, amount + line["amount"])
    must(f"{statement['path']}, days with calls and without a line", sorted(charged), [])
    must(f"{statement['path']}, closing balance", statement["closing"], balance)
    if statement["totals"] is not None:
        written = sorted(statement["totals"])
        computed = sorted((kind, lines, amount) for (kind, _), (lines, amount) in totals.items())
        must(f"{statement['path']}, totals", written, computed)


def same(one, other):
    """Two files of the same days say the same."""
    for field in ("period", "begins", "ends", "opening", "closing"):
        must(f"{other['path']}, {field}", other[field], one[field])
    for field in ("lines", "calls"):
        must(f"{other['path']}, number of {field}", len(other[field]), len(one[field]))
        for theirs, ours in zip(other[field], one[field]):
            for name in ours:
                if name != "where":
                    must(f"{theirs['where']}, {name}", theirs[name], ours[name])


def main(arguments):
    expected = None
    if "--balance" in arguments:
        at = arguments.index("--balance")
        expected = int(arguments[at + 1])
        arguments = arguments[:at] + arguments[at + 2:]
    if not arguments or len(arguments) % 2:
        print(__doc__, file=sys.stderr)
        return 2
    before, calls, lines = None, 0, 0
    try:
        for path, sheet in zip(arguments[::2], arguments[1::2]):
            statement, table = of_json(path), of_csv(sheet)
            recompute(statement)
            recompute(table)
            same(statement, table)
            if before is not None:
                must(f"{path}, where it begins", statement["begins"], before["ends"])
                must(f"{path}, opening balance", statement["opening"], before["closing"])
            before = statement
            calls += len(statement["calls"])
            lines += len(statement["lines"])
        if expected is not None:
            must("the wallet", expected, before["closing"])
    except Differs as differs:
        print(f"It does not add up. {differs}", file=sys.stderr)
        return 1
    except (OSError, ValueError, KeyError, TypeError, IndexError) as wrong:
        print(f"The files cannot be read: {type(wrong).__name__}: {wrong}", file=sys.stderr)
        return 2
    print(f"It adds up: {lines} lines and {calls} calls, {dollars(before['closing'])} USD at the end.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
