#!/usr/bin/env python3
"""ws_py.py BASE_URL KEY MODEL   responses over a WebSocket, as Codex CLI's built-in provider speaks it

Many answers on one connection, each with only what is new. env: UPSTREAM (upstream.py's address)"""
import asyncio

import aiohttp
from kitlib import BASE, KEY, MODEL, UP, done, eq, json, os, t

M = MODEL or "mock-gpt"
IS_STRAIGHT = BASE == UP    # upstream.py itself looks neither at models nor at keys here
TOOL = {"type": "function", "name": "get_weather", "strict": False,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
user = lambda text: {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


class Connection:
    """One connection. `turn` asks and gives what came: the events, and the answer of the last one."""
    def __init__(self, socket): self.socket = socket

    async def turn(self, **asked):
        await self.socket.send_json({"type": "response.create", "model": M, "store": False, "stream": True, **asked})
        events = []
        while not events or events[-1]["type"] not in ("response.completed", "response.incomplete", "response.failed", "error"):
            message = await self.socket.receive(timeout=30)
            eq(message.type, aiohttp.WSMsgType.TEXT, "the kind of message after %s" % [event["type"] for event in events[-3:]])
            events.append(json.loads(message.data))
        return events, events[-1].get("response")


def connected(name, key=KEY):
    def deco(body):
        @t(name)
        def _():
            async def go():
                async with aiohttp.ClientSession() as session:
                    headers = {"authorization": "Bearer " + key, "openai-beta": "responses_websockets=2026-02-06"}
                    async with session.ws_connect(BASE + "/v1/responses", headers=headers, max_msg_size=0) as socket: await body(Connection(socket))
            asyncio.run(go())
    return deco


def text_of(response): return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


@connected("answers one after the other, each with its usage")
async def _(connection):
    for number in range(1, 4):
        events, response = await connection.turn(input=[user("What is %d*7?" % number)])
        eq((events[0]["type"], events[-1]["type"]), ("response.created", "response.completed"))
        said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
        eq((said, text_of(response)), ("The answer is %d." % (number * 7),) * 2)
        assert response["usage"]["output_tokens"] > 0


@connected("a warm-up, which brings nothing and costs nothing")
async def _(connection):
    events, response = await connection.turn(input=[], generate=False)
    eq((events[-1]["type"], response["output"]), ("response.completed", []))
    _, response = await connection.turn(input=[user("What is 6*7?")], previous_response_id=response["id"])
    eq(text_of(response), "The answer is 42.")


@connected("tools there and back, with only what is new")
async def _(connection):
    _, response = await connection.turn(input=[user("weather in Paris and Rome?")], tools=[TOOL])
    calls = [item for item in response["output"] if item["type"] == "function_call"]
    eq([json.loads(call["arguments"]) for call in calls], [{"city": "Paris"}, {"city": "Rome"}])
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "sunny-%d" % number} for number, call in enumerate(calls)]
    _, response = await connection.turn(input=results, previous_response_id=response["id"], tools=[TOOL])
    assert "sunny-0" in text_of(response) and "sunny-1" in text_of(response), text_of(response)


if not IS_STRAIGHT:
    @connected("an error leaves the connection open")
    async def _(connection):
        for wrong, code in (({"model": "no-such-model"}, "model_not_found"), ({"previous_response_id": "resp_nowhere"}, "previous_response_not_found")):
            events, _ = await connection.turn(**{"input": [user("hi")], **wrong})
            eq(events[-1]["type"], "error")
            assert code in json.dumps(events[-1]), events[-1]
        _, response = await connection.turn(input=[user("What is 6*7?")])
        eq(text_of(response), "The answer is 42.")

    @t("a wrong key is refused before the connection stands")
    def _():
        async def go():
            async with aiohttp.ClientSession() as session:
                try: await session.ws_connect(BASE + "/v1/responses", headers={"authorization": "Bearer sk-wrong"})
                except aiohttp.WSServerHandshakeError as error: return error.status
        eq(asyncio.run(go()), 401)

done()
