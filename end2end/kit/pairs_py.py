#!/usr/bin/env python3
"""pairs_py.py BASE_URL KEY MODEL   one model, asked in every dialect by the official SDKs: chat, responses, messages

Run it for models of upstreams that speak each dialect, and every pair is driven. MODEL@400 … are the same model with faults
of upstream.py; the stop by length of upstream.py's responses is one of them.
env: UPSTREAM (upstream.py's address), SPEAKS (the upstream's dialect, as Farebox was told)"""
import base64
from types import SimpleNamespace

import anthropic
import openai
from kitlib import BASE, KEY, MODEL, UP, ctl, done, eq, json, os, raises, t

M = MODEL or "mock-gpt"
IS_STRAIGHT = BASE == UP    # at upstream.py itself: what Farebox makes of its faults is not to be seen
IS_RESPONSES = os.environ.get("SPEAKS") == "openai-responses"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
ANSWER = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"], "additionalProperties": False}
PNG = base64.b64encode(os.urandom(3000)).decode()
WORDS = "ünïcödé ✓ 漢字 👩‍👩‍👧‍👦 “quoted” \\ \"end\""


def said(**fields):
    """An answer, whichever dialect it came in. calls: (id, name, arguments); stop: end, length, tools; used: (in, out)."""
    return SimpleNamespace(**{"text": "", "calls": [], "stop": None, "used": None, "deltas": 0, "raw": None, **fields})


def user(text, image=False): return ("user", text, image)


class Chat:
    name, bad_request, errors = "chat", {"messages": []}, openai
    STOPS = {"stop": "end", "length": "length", "tool_calls": "tools"}

    def __init__(self, key=KEY): self.client = openai.OpenAI(base_url=BASE + "/v1", api_key=key, max_retries=0, timeout=60)

    def ask(self, turns, model=M, stream=False, tools=False, parallel=None, forced=False, schema=None, most=None, system=None):
        extra = {}
        if tools: extra["tools"] = [{"type": "function", "function": {"name": "get_weather", "description": "weather of a city", "parameters": CITY}}]
        if parallel is not None: extra["parallel_tool_calls"] = parallel
        if forced: extra["tool_choice"] = "required"
        if schema: extra["response_format"] = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}
        if most: extra["max_completion_tokens"] = most
        messages = ([{"role": "system", "content": system}] if system else []) + [message for turn in turns for message in self.write(turn)]
        if not stream: return self.read(self.client.chat.completions.create(model=model, messages=messages, **extra))
        with self.client.chat.completions.stream(model=model, messages=messages, stream_options={"include_usage": True}, **extra) as events:
            deltas = 0
            try:
                for event in events: deltas += event.type in ("content.delta", "tool_calls.function.arguments.delta")
                whole = events.get_final_completion()
            except openai.LengthFinishReasonError as cut: whole = cut.completion    # what this SDK makes of a stop by length
        found = self.read(whole)
        found.deltas = deltas
        return found

    def write(self, turn):
        if turn[0] == "user" and turn[2]:
            return [{"role": "user", "content": [{"type": "text", "text": turn[1]}, {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PNG}}]}]
        if turn[0] == "user": return [{"role": "user", "content": turn[1]}]
        if turn[0] == "said": return [turn[1].raw.model_dump(exclude_none=True, exclude={"parsed"})]
        return [{"role": "tool", "tool_call_id": call, "content": text} for call, text in turn[1]]

    def read(self, got):
        choice = got.choices[0]
        calls = [(call.id, call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or []]
        for call in choice.message.tool_calls or []: call.function.__dict__.pop("parsed_arguments", None)
        return said(text=choice.message.content or "", calls=calls, stop=self.STOPS[choice.finish_reason], raw=choice.message,
                    used=(got.usage.prompt_tokens, got.usage.completion_tokens))

    def events(self, model):
        return self.client.chat.completions.create(model=model, messages=[{"role": "user", "content": "[[long:60]]"}], stream=True)

    def post_bad(self): self.client.chat.completions.create(model=M, messages=[])


class Responses:
    name, errors = "responses", openai

    def __init__(self, key=KEY): self.client = openai.OpenAI(base_url=BASE + "/v1", api_key=key, max_retries=0, timeout=60)

    def ask(self, turns, model=M, stream=False, tools=False, parallel=None, forced=False, schema=None, most=None, system=None):
        extra = {"store": False}
        if tools: extra["tools"] = [{"type": "function", "name": "get_weather", "description": "weather of a city", "parameters": CITY, "strict": True}]
        if parallel is not None: extra["parallel_tool_calls"] = parallel
        if forced: extra["tool_choice"] = "required"
        if schema: extra["text"] = {"format": {"type": "json_schema", "name": "a", "strict": True, "schema": schema}}
        if most: extra["max_output_tokens"] = most
        if system: extra["instructions"] = system
        items = [item for turn in turns for item in self.write(turn)]
        if not stream: return self.read(self.client.responses.create(model=model, input=items, **extra))
        types, deltas, whole, final = [], 0, "", None
        for event in self.client.responses.create(model=model, input=items, stream=True, **extra):
            types.append(event.type)
            deltas += event.type in ("response.output_text.delta", "response.function_call_arguments.delta")
            if event.type == "response.output_text.delta": whole += event.delta
            eq(event.sequence_number, len(types) - 1, "sequence_number")
            if event.type in ("response.completed", "response.incomplete"): final = event.response
        eq((types[0], types[-1]), ("response.created", "response." + final.status), "first and last event")
        found = self.read(final)
        eq(whole, found.text, "the pieces of text together")
        found.deltas = deltas
        return found

    def write(self, turn):
        if turn[0] == "user" and turn[2]:
            return [{"role": "user", "content": [{"type": "input_text", "text": turn[1]}, {"type": "input_image", "image_url": "data:image/png;base64," + PNG, "detail": "auto"}]}]
        if turn[0] == "user": return [{"role": "user", "content": turn[1]}]
        if turn[0] == "said": return [item.model_dump(exclude_none=True) for item in turn[1].raw.output]
        return [{"type": "function_call_output", "call_id": call, "output": text} for call, text in turn[1]]

    def read(self, got):
        calls = [(item.call_id, item.name, json.loads(item.arguments)) for item in got.output if item.type == "function_call"]
        stop = "tools" if calls else "end"
        if got.status == "incomplete":
            eq(got.incomplete_details.reason, "max_output_tokens")
            stop = "length"
        else: eq(got.status, "completed")
        eq(got.usage.total_tokens, got.usage.input_tokens + got.usage.output_tokens)
        return said(text=got.output_text, calls=calls, stop=stop, raw=got, used=(got.usage.input_tokens, got.usage.output_tokens))

    def events(self, model): return self.client.responses.create(model=model, input="[[long:60]]", stream=True, store=False)

    def post_bad(self): self.client.post("/responses", body={"model": M}, cast_to=object)


class Messages:
    name, errors = "messages", anthropic
    STOPS = {"end_turn": "end", "max_tokens": "length", "tool_use": "tools"}

    def __init__(self, key=KEY): self.client = anthropic.Anthropic(base_url=BASE, api_key=key, max_retries=0, timeout=60)

    def ask(self, turns, model=M, stream=False, tools=False, parallel=None, forced=False, schema=None, most=None, system=None):
        extra = {"max_tokens": most or 500}
        if tools: extra["tools"] = [{"name": "get_weather", "description": "weather of a city", "input_schema": CITY}]
        if parallel is not None or forced: extra["tool_choice"] = {"type": "any" if forced else "auto", "disable_parallel_tool_use": parallel is False}
        if schema: extra["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        if system: extra["system"] = system
        messages = [self.write(turn) for turn in turns]
        if not stream: return self.read(self.client.messages.create(model=model, messages=messages, **extra))
        with self.client.messages.stream(model=model, messages=messages, **extra) as events:
            types = [(event.type, getattr(getattr(event, "delta", None), "type", None)) for event in events]
            found = self.read(events.get_final_message())
        eq((types[0][0], types[-1][0]), ("message_start", "message_stop"), "first and last event")
        found.deltas = sum(kind in ("text_delta", "input_json_delta") for _, kind in types)
        return found

    def write(self, turn):
        if turn[0] == "user" and turn[2]:
            return {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, {"type": "text", "text": turn[1]}]}
        if turn[0] == "user": return {"role": "user", "content": turn[1]}
        if turn[0] == "said": return {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in turn[1].raw.content]}
        return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": text} for call, text in turn[1]]}

    def read(self, got):
        calls = [(block.id, block.name, block.input) for block in got.content if block.type == "tool_use"]
        text = "".join(block.text for block in got.content if block.type == "text")
        return said(text=text, calls=calls, stop=self.STOPS[got.stop_reason], raw=got, used=(got.usage.input_tokens, got.usage.output_tokens))

    def events(self, model):
        return self.client.messages.create(model=model, max_tokens=1000, messages=[{"role": "user", "content": "[[long:60]]"}], stream=True)

    def post_bad(self): self.client.post("/v1/messages", body={"model": M, "max_tokens": 5}, cast_to=object)


def seen():
    """What upstream.py got last, as text."""
    return json.dumps(ctl("GET", "/__mock/last")["body"], ensure_ascii=False)


def round_trip(caller, prompt, cities, **extra):
    """Asks for tools, gives back what they say, and reads the answer."""
    first = caller.ask([user(prompt)], tools=True, **extra)
    eq((first.stop, first.text), ("tools", ""))
    eq([(name, arguments) for _, name, arguments in first.calls], [("get_weather", {"city": city}) for city in cities])
    eq(len({call for call, _, _ in first.calls}), len(cities), "ids that differ")
    results = [(call, "sunny-%d" % number) for number, (call, _, _) in enumerate(first.calls)]
    answer = caller.ask([user(prompt), ("said", first), ("results", results)], tools=True, **extra)
    for _, text in results: assert text in answer.text, answer.text
    eq(answer.stop, "end")
    return first


def ends_badly(caller, model):
    """A stream that broke off is an error for the SDK: an exception, or an event that says so."""
    try:
        last = [event.type if hasattr(event, "type") else event.object for event in caller.events(model)][-1]
    except (openai.APIError, anthropic.APIError):
        return
    except Exception as error:
        assert IS_STRAIGHT and type(error).__module__.startswith("httpx"), repr(error)    # upstream.py cuts the connection itself
        return
    assert last in ("error", "response.failed"), "a broken stream ended as if it were whole: %s" % last


def checks(kind):
    caller = kind()
    check = lambda name: t("%s: %s" % (caller.name, name))
    # upstream.py's responses know no maximum: they stop by length when told to by a fault.
    length = M + "@incomplete" if IS_RESPONSES or (IS_STRAIGHT and kind is Responses) else M

    @check("text")
    def _():
        got = caller.ask([user("What is 6*7?")], system="be brief")
        eq((got.text, got.stop, got.calls), ("The answer is 42.", "end", []))
        assert got.used[0] > 0 and got.used[1] > 0, got.used
        assert "be brief" in seen(), "the system text did not reach the upstream"

    @check("text of every kind, in a stream")
    def _():
        got = caller.ask([user("[[say:%s]]" % WORDS)], stream=True, system="be brief")
        eq((got.text, got.stop), (WORDS, "end"))
        assert got.deltas >= 4, "not streamed in pieces: %d" % got.deltas
        assert got.used[0] > 0 and got.used[1] > 0, got.used
        plain = caller.ask([user("[[say:%s]]" % WORDS)], system="be brief")
        eq((plain.text, plain.used), (got.text, got.used), "plain and stream")

    @check("a conversation")
    def _():
        first = caller.ask([user("What is 6*7?")])
        eq(caller.ask([user("What is 6*7?"), ("said", first), user("and 2*4?")]).text, "The answer is 8.")
        assert "The answer is 42." in seen(), "what was said before did not reach the upstream"

    for stream in (False, True):
        how = ", in a stream" if stream else ""

        @check("a tool there and back" + how)
        def _(): round_trip(caller, "weather in Oslo?", ["Oslo"], stream=stream)

        @check("parallel tools there and back" + how)
        def _():
            first = round_trip(caller, "weather in Paris and Rome?", ["Paris", "Rome"], stream=stream)
            if stream: assert first.deltas >= 4, "arguments not streamed in pieces: %d" % first.deltas

        @check("structured output" + how)
        def _(): eq(json.loads(caller.ask([user("What is 6*7?")], schema=ANSWER, stream=stream).text), {"answer": 42})

        @check("stop by max tokens" + how)
        def _(): eq(caller.ask([user("[[long:50]]")], model=length, most=16, stream=stream).stop, "length")

    @check("tools one at a time, and a tool that must be used")
    def _():
        eq([arguments for _, _, arguments in caller.ask([user("weather in Paris and Rome?")], tools=True, parallel=False).calls], [{"city": "Paris"}])
        eq([name for _, name, _ in caller.ask([user("What is 6*7?")], tools=True, forced=True).calls], ["get_weather"])

    @check("an image")
    def _():
        eq(caller.ask([user("What is 6*7?", image=True)]).text, "The answer is 42.")
        assert PNG in seen(), "the image did not reach the upstream"

    for fault in ("crlf", "split", "ping"):
        @check("a stream with %s" % fault)
        def _(): eq(caller.ask([user("What is 6*7?")], model="%s@%s" % (M, fault), stream=True).text, "The answer is 42.")

    for fault in ("cut", "errmid"):
        @check("a stream that breaks off: " + fault)
        def _(): ends_badly(caller, "%s@%s" % (M, fault))

    @check("errors have their classes")
    def _():
        errors, ask = caller.errors, lambda fault, stream=False: lambda: caller.ask([user("hi")], model=M + fault, stream=stream)
        raises(errors.AuthenticationError, lambda: kind("sk-wrong").ask([user("hi")]))
        raises(errors.NotFoundError, lambda: caller.ask([user("hi")], model="no-such-model"))
        raises(errors.BadRequestError, caller.post_bad)
        for stream in (False, True):
            assert "mock fault 400" in str(raises(errors.BadRequestError, ask("@400", stream))), "the provider's own words are lost"
            raises(errors.RateLimitError, ask("@429", stream))
            raises(errors.InternalServerError, ask("@500", stream))
            raises(errors.InternalServerError, ask("@html", stream))
            if not IS_STRAIGHT: raises(errors.InternalServerError, ask("@401", stream))    # its credential is wrong, not the caller's
        if not IS_STRAIGHT: raises(errors.InternalServerError, ask("@badjson"))


for kind in (Chat, Responses, Messages): checks(kind)
done()
