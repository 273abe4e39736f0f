#!/usr/bin/env python3
"""exceptions_py.py BASE_URL KEY MODEL   what the other dialect cannot say is a clear 400, sent nowhere and free

MODEL is served by an upstream of another dialect than the caller's, or (SPEAKS=openai) of its own.
env: UPSTREAM (upstream.py's address), SPEAKS (the dialect of MODEL's upstream: openai, openai-chat, openai-responses, anthropic)"""
import anthropic
import openai
from kitlib import BASE, KEY, MODEL, ctl, done, eq, os, t

SPEAKS = os.environ["SPEAKS"]
Q = [{"role": "user", "content": "What is 6*7?"}]
oa = openai.OpenAI(base_url=BASE + "/v1", api_key=KEY, max_retries=0, timeout=60)
an = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=0, timeout=60)


def seen(): return len(ctl("GET", "/__mock/requests"))


def refused(sdk, call, names):
    """A 400 whose message names what is wrong, in the dialect's envelope; nothing reached the upstream."""
    before = seen()
    try: call()
    except sdk.BadRequestError as error: got = error
    except Exception as error: raise AssertionError("wanted a 400, got %s: %s" % (type(error).__name__, str(error)[:300]))
    else: raise AssertionError("wanted a 400, nothing was raised")
    eq(seen(), before, "requests that reached the upstream")
    if sdk is anthropic: eq((got.body["type"], got.type), ("error", "invalid_request_error"))
    else:
        eq(got.type, "invalid_request_error")
        assert got.body["message"] and got.code, got.body
    assert any(name in str(got) for name in names), "the message does not name %s: %s" % (" or ".join(names), got)


def cannot(name, sdk, call, *names):
    @t("refused: " + name)
    def _(): refused(sdk, call, names)


chat = lambda **extra: lambda: list_of(oa.chat.completions.create(model=MODEL, messages=Q, **extra))
respond = lambda **extra: lambda: list_of(oa.responses.create(model=MODEL, input="What is 6*7?", **extra))


def list_of(answer): return list(answer) if hasattr(answer, "__iter__") and not hasattr(answer, "model_dump") else answer


BATCH = [{"custom_id": "x", "params": {"model": MODEL, "max_tokens": 50, "messages": Q}}]
cannot("message batches", anthropic, lambda: an.messages.batches.create(requests=BATCH), "batch")
cannot("responses in the background", openai, respond(background=True), "background")

if SPEAKS == "anthropic":    # the models of other media stay on an OpenAI upstream
    cannot("embeddings", openai, lambda: oa.embeddings.create(model=MODEL, input="x"), MODEL, "model")
    cannot("two prompts to continue", openai, lambda: oa.completions.create(model=MODEL, prompt=["6*7?", "2*3?"]), "prompt")
    cannot("images", openai, lambda: oa.images.generate(model=MODEL, prompt="a dot"), MODEL, "model")
    cannot("speech", openai, lambda: oa.audio.speech.create(model=MODEL, voice="alloy", input="hi").read(), MODEL, "model")
    cannot("transcriptions", openai, lambda: oa.audio.transcriptions.create(model=MODEL, file=("a.wav", b"RIFF0000")), MODEL, "model")
    cannot("moderations", openai, lambda: oa.moderations.create(model=MODEL, input="hello"), MODEL, "model")

if SPEAKS in ("anthropic", "openai-responses"):
    for stream in (False, True): cannot("n=2" + (", in a stream" if stream else ""), openai, chat(n=2, stream=stream), "`n`")
if SPEAKS in ("anthropic", "openai-chat"):
    for stream in (False, True):
        cannot("a response that goes on from another" + (", in a stream" if stream else ""), openai,
               respond(previous_response_id="resp_123", stream=stream), "previous_response_id", "previous_response_not_found")
if SPEAKS == "anthropic": cannot("logprobs", openai, chat(logprobs=True), "logprobs")

if SPEAKS != "openai":
    @t("what is a mere hint is dropped: seed, user, metadata, store")
    def _():
        got = oa.chat.completions.create(model=MODEL, messages=Q, seed=7, user="u1", metadata={"k": "v"}, store=False)
        eq(got.choices[0].message.content, "The answer is 42.")
        eq(oa.responses.create(model=MODEL, input="What is 6*7?", user="u1", metadata={"k": "v"}, prompt_cache_key="k").output_text, "The answer is 42.")
if SPEAKS != "anthropic":
    @t("what is a mere hint is dropped: cache marks, thinking, metadata, web search")
    def _():
        marked = [{"type": "text", "text": "word " * 300, "cache_control": {"type": "ephemeral"}}]
        got = an.messages.create(model=MODEL, max_tokens=2000, system=marked, messages=Q, metadata={"user_id": "u1"}, thinking={"type": "adaptive"},
                                 tools=[{"type": "web_search_20250305", "name": "web_search"}])
        eq([(block.type, block.text) for block in got.content], [("text", "The answer is 42.")])
        assert got.usage.cache_read_input_tokens > 0 and got.usage.input_tokens > 0, got.usage
        eq(got.usage.cache_creation_input_tokens, 0)    # this provider reports none: nothing is invented

done()
