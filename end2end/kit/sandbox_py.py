#!/usr/bin/env python3
"""sandbox_py.py BASE_URL KEY PREFIX   the official openai-python against the sandbox upstream's models

PREFIX is what stands before echo, lorem … in the models' names: "sandbox-" when pointed straight at the sandbox. Expected
tokens are counted here by the sandbox's published rule: one per four characters, rounded up for each text."""
import base64

import openai
from kitlib import BASE, KEY, MODEL, done, eq, json, os, raises, t, time

PREFIX = MODEL or "sandbox-"
client = openai.OpenAI(base_url=BASE + "/v1", api_key=KEY, max_retries=0, timeout=60)
ASKED = {"stream_options": {"include_usage": True}}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"type": "string", "enum": ["C", "F"]}}, "required": ["city", "unit"]}}}


def tokens(text): return -(-len(text) // 4)


def says(content): return [{"role": "user", "content": content}]


def plain(model, content, **extra):
    return client.chat.completions.create(model=PREFIX + model, messages=content if isinstance(content, list) else says(content), **extra)


def stream(model, content, **extra):
    """-> what each choice said, usage, finish reasons, when each chunk came (s)"""
    said, usage, ends, times, begun = {}, None, {}, [], time.monotonic()
    for chunk in plain(model, content, stream=True, **extra):
        times.append(time.monotonic() - begun)
        usage = chunk.usage or usage
        for choice in chunk.choices:
            said[choice.index] = said.get(choice.index, "") + (choice.delta.content or "")
            ends[choice.index] = choice.finish_reason or ends.get(choice.index)
    return said, usage, ends, times


@t("models")
def _():
    ids = [model.id for model in client.models.list()]
    for name in ("echo", "lorem", "reasoner", "tools", "unicode"):
        assert PREFIX + name in ids, ids
        eq(client.models.retrieve(PREFIX + name).id, PREFIX + name)


@t("echo")
def _():
    text = "Grüße, мир! 你好 👋\n\n  twice"
    answer = plain("echo", text)
    eq(answer.choices[0].message.content, text)
    eq((answer.choices[0].finish_reason, answer.usage.prompt_tokens, answer.usage.completion_tokens), ("stop", tokens(text), tokens(text)))
    said, usage, ends, _ = stream("echo", text, **ASKED)
    eq((said, ends), ({0: text}, {0: "stop"}))
    eq(usage.model_dump(), answer.usage.model_dump(), "usage of stream and plain answer")
    eq(stream("echo", text)[:2], ({0: text}, None))


@t("echo_n3_cached")
def _():
    text = "[[cached]] as often as asked"
    answer = plain("echo", text, n=3)
    eq([(choice.index, choice.message.content) for choice in answer.choices], [(number, text) for number in range(3)])
    eq((answer.usage.completion_tokens, answer.usage.prompt_tokens_details.cached_tokens), (3 * tokens(text), tokens(text) // 2))
    eq(stream("echo", text, n=3)[0], {number: text for number in range(3)})


@t("echo_images")
def _():
    image = os.urandom(2**20)
    url = "data:image/png;base64," + base64.b64encode(image).decode()
    content = says([{"type": "text", "text": "look"}] + [{"type": "image_url", "image_url": {"url": url}}] * 2)
    want = "look\nI saw 2 images, %d bytes." % (2 * len(image))
    answer = plain("echo", content)
    eq(answer.choices[0].message.content, want)
    eq(answer.usage.prompt_tokens, tokens("look") + 2 * 85)
    eq(stream("echo", content)[0], {0: want})


@t("lorem_comes_word_by_word")
def _():
    said, usage, _, times = stream("lorem", "300 words please", **ASKED)
    eq((len(said[0].split()), usage.completion_tokens), (300, tokens(said[0])))
    assert len(times) >= 300, "%d chunks for 300 words" % len(times)
    assert times[1] < times[-1] / 2, "buffered: first words after %.2f s of %.2f s" % (times[1], times[-1])
    eq(plain("lorem", "300 words please").choices[0].message.content, said[0])


@t("lorem_max_tokens")
def _():
    answer = plain("lorem", "go on", max_tokens=10)
    eq((answer.choices[0].finish_reason, answer.usage.completion_tokens), ("length", 10))


@t("reasoner")
def _():
    message = (answer := plain("reasoner", "What is 6*7?")).choices[0].message
    eq(message.content, "6 * 7 = 42.")
    eq(answer.usage.completion_tokens_details.reasoning_tokens, tokens(message.reasoning_content))
    thoughts, text = "", ""
    for chunk in plain("reasoner", "What is 6*7?", stream=True):
        delta = chunk.choices[0].delta
        thought = getattr(delta, "reasoning_content", None) or ""
        assert not (thought and text), "a thought after the answer began"
        thoughts, text = thoughts + thought, text + (delta.content or "")
    eq((thoughts, text), (message.reasoning_content, message.content))


@t("reasoner_json_schema")
def _():
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"], "additionalProperties": False}
    answer = plain("reasoner", "6*7", response_format={"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}})
    eq(json.loads(answer.choices[0].message.content), {"answer": 42})


@t("tools_roundtrip")
def _():
    conversation = says("Weather in Paris and New York?")
    choice = plain("tools", conversation, tools=[TOOL]).choices[0]
    eq((choice.finish_reason, choice.message.content), ("tool_calls", None))
    arguments = [json.loads(call.function.arguments) for call in choice.message.tool_calls]
    eq(arguments, [{"city": "Paris", "unit": "C"}, {"city": "New York", "unit": "C"}])
    conversation.append(choice.message.model_dump(exclude_none=True))
    conversation += [{"role": "tool", "tool_call_id": call.id, "content": "sunny %d" % number} for number, call in enumerate(choice.message.tool_calls)]
    eq(plain("tools", conversation, tools=[TOOL]).choices[0].message.content, "The tool said: sunny 0 | sunny 1")
    eq(len(plain("tools", "Weather in Paris and Rome?", tools=[TOOL], parallel_tool_calls=False).choices[0].message.tool_calls), 1)


@t("tools_stream")
def _():
    with client.chat.completions.stream(model=PREFIX + "tools", messages=says("Weather in Oslo, Rome?"), tools=[TOOL]) as events:
        for _ in events: pass
        message = events.get_final_completion().choices[0].message
    eq([json.loads(call.function.arguments)["city"] for call in message.tool_calls], ["Oslo", "Rome"])


@t("unicode_cut_inside_characters")
def _():
    want = plain("unicode", "hello").choices[0].message.content
    assert "👩‍👩‍👧‍👦" in want and "\ufffd" not in want
    eq(stream("unicode", "hello")[0], {0: want})


@t("huge")
def _():
    want = plain("huge", "hello").choices[0].message.content
    eq(len(want), 2**20)
    eq(stream("huge", "hello")[0][0] == want, True, "stream equals plain")


@t("cut_is_an_error_not_an_end")
def _():
    raises(openai.APIError, lambda: stream("cut", "hello"))
    raises(openai.APIError, lambda: plain("cut", "hello"))


@t("rate_limit_and_server_error")
def _():
    raises(openai.APIStatusError, lambda: plain("429", "hello"))
    eq(raises(openai.APIStatusError, lambda: plain("500", "hello")).status_code >= 500, True)


done()
