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
# Models of other media: what they are asked for, and the options that say what they cost beside tokens.
MEDIA = {"mock-embed": [], "mock-image": [], "mock-tts": [], "mock-whisper": [], "omni-moderation-latest": []}
# Of upstream.py: those that pairs_py.py asks for.
FAULTS = ("400", "401", "429", "500", "html", "badjson", "cut", "errmid", "crlf", "split", "ping")


def every_model():
    for upstream, (speaks, models) in UPSTREAMS.items():
        for name, there in models.items():
            yield name, upstream, there, []
            if name == "mock-gpt-mini": continue
            for fault in FAULTS + (("incomplete",) if speaks == "openai-responses" else ()):
                yield "%s@%s" % (name, fault), upstream, "%s@%s" % (there, fault), []
    for name, options in MEDIA.items():
        yield name, "mock", name.replace("omni-moderation-latest", "mock-moderation"), options


if __name__ == "__main__":
    for name, (speaks, _) in UPSTREAMS.items():
        fb.run("admin", "upstream", "create", "--name", name, "--dialect", speaks, "--base-url", UP + "/v1", "--api-key-stdin", "--json", stdin="sk-upstream\n")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda model: fb.model(*model[:3], bill.PRICES, *model[3]), every_model()))
        for name, key in zip(sys.argv[2:], pool.map(lambda name: fb.account(name + "@kit.test", sys.argv[1]), sys.argv[2:])):
            print(name, key)
