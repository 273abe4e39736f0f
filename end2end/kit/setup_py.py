#!/usr/bin/env python3
"""setup_py.py GRANTED [NAME …]   the upstreams and models that the scripts of this folder ask, made by Farebox's command line

One upstream.py is four upstreams: one for each --dialect. Every model has the odd prices of bill.py, one for each bucket.
For each NAME an account NAME@kit.test with GRANTED dollars; prints a line "NAME KEY" for each.
env: UPSTREAM (upstream.py's address), FAREBOX_BIN, FAREBOX_DATA"""
import sys
from concurrent.futures import ThreadPoolExecutor

import bill
import fareboxcli as fb
from kitlib import UP

# upstream: what it speaks, and its models by the names that callers use
UPSTREAMS = {
    "mock": ("openai", {"mock-gpt": "mock-gpt", "mock-gpt-mini": "mock-gpt-mini"}),
    "mock-chat": ("openai-chat", {"chat/mock-gpt": "mock-gpt"}),
    "mock-responses": ("openai-responses", {"responses/mock-gpt": "mock-gpt"}),
    "mock-anthropic": ("anthropic", {"mock-claude": "mock-claude"}),
}
# Models of other media: what they cost beside tokens. A moderation reports nothing, and is free.
MEDIA = {
    "mock-embed": (bill.PRICES, []),
    "mock-image": (bill.PRICES, []),
    "mock-tts": ({**bill.FREE, "units": "15.000019"}, ["--unit", "character"]),
    "mock-whisper": ({**bill.FREE, "units": "0.100003"}, ["--unit", "millisecond"]),
    "omni-moderation-latest": (bill.FREE, []),
}
# Of upstream.py: those that pairs_py.py asks for.
FAULTS = ("400", "401", "429", "500", "html", "badjson", "cut", "errmid", "crlf", "split", "ping")


def every_model():
    """Name, upstream, name there, prices, further options."""
    for upstream, (speaks, models) in UPSTREAMS.items():
        for name, there in models.items():
            yield name, upstream, there, bill.PRICES, []
            if name == "mock-gpt-mini": continue
            for fault in FAULTS + (("incomplete",) if speaks == "openai-responses" else ()):
                yield "%s@%s" % (name, fault), upstream, "%s@%s" % (there, fault), bill.PRICES, []
    for name, (prices, options) in MEDIA.items():
        yield name, "mock", name.replace("omni-moderation-latest", "mock-moderation"), prices, options


if __name__ == "__main__":
    for name, (speaks, _) in UPSTREAMS.items():
        fb.run("admin", "upstream", "create", "--name", name, "--dialect", speaks, "--base-url", UP + "/v1", "--api-key-stdin", "--json", stdin="sk-upstream\n")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda model: fb.model(*model[:4], *model[4]), every_model()))
        for name, key in zip(sys.argv[2:], pool.map(lambda name: fb.account(name + "@kit.test", sys.argv[1]), sys.argv[2:])):
            print(name, key)
