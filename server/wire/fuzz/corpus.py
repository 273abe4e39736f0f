#!/usr/bin/env python3
"""corpus.py UPSTREAM   the kept corpus, made anew from exchanges with end2end/kit/upstream.py (python with httpx)

Requests as SDKs write them, and what upstream.py answers: plain, streamed and with its faults. Target bytes in front, where
a target reads any (see src/*.rs): every caller's dialect. Inputs that once crashed lie beside them and stay."""
import json, os, sys

import httpx

HERE = os.path.dirname(os.path.abspath(__file__)) + "/corpus/"
UP = sys.argv[1].rstrip("/")
http = httpx.Client(trust_env=False, timeout=20, headers={"authorization": "Bearer sk-upstream", "anthropic-version": "2023-06-01"})
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ANSWER = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
PNG = "iVBORw0KGgo="
SAY = "[[say:ünï ✓ 漢字 👩‍👧 \"q\" \\]]"


def keep(target, name, data):
    os.makedirs(HERE + target, exist_ok=True)
    with open(HERE + target + "/seed-" + name, "wb") as file: file.write(data)


def packed(body): return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


user = lambda text: {"role": "user", "content": text}
chat_tool = {"type": "function", "function": {"name": "get_weather", "description": "weather", "parameters": CITY, "strict": True}}
CHAT = {
    "text": {"messages": [{"role": "system", "content": "be brief"}, user("What is 6*7?")], "temperature": 0.5, "stop": ["\n"], "seed": 1, "user": "u"},
    "say": {"messages": [user(SAY)], "max_tokens": 50, "service_tier": "default"},
    "tools": {"messages": [user("weather in Paris and Rome?")], "tools": [chat_tool], "tool_choice": "auto", "parallel_tool_calls": True},
    "result": {"messages": [user("weather in Oslo?"), {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function",
               "function": {"name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"}}]}, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}], "tools": [chat_tool]},
    "image": {"messages": [user([{"type": "text", "text": "6*7?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PNG, "detail": "low"}},
              {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}}, {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}])]},
    "schema": {"messages": [user("What is 6*7?")], "response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": ANSWER}}},
    "length": {"messages": [user("[[long:9]]")], "max_completion_tokens": 4, "reasoning_effort": "high"},
    "n2": {"messages": [user("6*7")], "n": 2},
}
responses_tool = {"type": "function", "name": "get_weather", "parameters": CITY, "strict": True}
RESPONSES = {
    "text": {"input": "What is 6*7?", "instructions": "be brief", "store": False, "metadata": {"k": "v"}, "prompt_cache_key": "k"},
    "say": {"input": [{"role": "developer", "content": "be brief"}, user([{"type": "input_text", "text": SAY}])], "reasoning": {"effort": "high", "summary": "auto"}},
    "tools": {"input": [user("weather in Paris and Rome?")], "tools": [responses_tool, {"type": "web_search"}, {"type": "custom", "name": "patch"},
              {"type": "namespace", "name": "n", "tools": [responses_tool]}], "tool_choice": "auto", "parallel_tool_calls": True, "store": False},
    "result": {"input": [user("weather in Oslo?"), {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "c2VhbA=="},
               {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"},
               {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}], "tools": [responses_tool], "include": ["reasoning.encrypted_content"]},
    "image": {"input": [user([{"type": "input_text", "text": "6*7?"}, {"type": "input_image", "image_url": "data:image/png;base64," + PNG, "detail": "auto"}]),
              {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": [{"type": "output_text", "text": "42", "annotations": []}]}, user("and?")]},
    "schema": {"input": "What is 6*7?", "text": {"format": {"type": "json_schema", "name": "a", "strict": True, "schema": ANSWER}, "verbosity": "low"}},
    "length": {"input": "[[long:9]]", "max_output_tokens": 16, "temperature": 1, "top_p": 0.5},
}
messages_tool = {"name": "get_weather", "description": "weather", "input_schema": CITY}
MESSAGES = {
    "text": {"system": "be brief", "messages": [user("What is 6*7?")], "temperature": 0.5, "stop_sequences": ["\n"], "metadata": {"user_id": "u"}},
    "say": {"system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral", "ttl": "1h"}}], "messages": [user(SAY)], "top_k": 3},
    "tools": {"messages": [user("weather in Paris and Rome?")], "tools": [messages_tool, {"type": "web_search_20250305", "name": "web_search"}], "tool_choice": {"type": "auto"}},
    "result": {"messages": [user("weather in Oslo?"), {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"},
               {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}]},
               user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "sunny"}], "is_error": False}])], "tools": [messages_tool]},
    "image": {"messages": [user([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, {"type": "document", "source": {"type": "text",
              "media_type": "text/plain", "data": "d"}}, {"type": "text", "text": "6*7?", "cache_control": {"type": "ephemeral"}}])]},
    "schema": {"messages": [user("What is 6*7?")], "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": ANSWER}}},
    "length": {"messages": [user("[[long:9]]")], "max_tokens": 4, "service_tier": "auto"},
    "thinking": {"messages": [user("What is 6*7?")], "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
}
GEMINI = {
    "text": {"contents": [{"role": "user", "parts": [{"text": "What is 6*7?"}]}], "systemInstruction": {"parts": [{"text": "be brief"}]},
             "generationConfig": {"temperature": 0.5, "topP": 0.9, "topK": 3, "maxOutputTokens": 50, "stopSequences": ["\n"], "thinkingConfig": {"thinkingBudget": 100}}},
    "tools": {"contents": [{"role": "user", "parts": [{"text": "weather in Paris?"}]}, {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}]},
              {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"result": "sunny"}}}]}],
              "tools": [{"functionDeclarations": [{"name": "get_weather", "parameters": CITY}]}], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
    "image": {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}, {"fileData": {"fileUri": "https://x/a.png"}}, {"text": "6*7?"}]}],
              "generationConfig": {"responseMimeType": "application/json", "responseSchema": ANSWER}},
}
FORM = b"--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nmock-whisper\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; " \
       b"filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF0000\r\n--x--\r\n"
# In the order of wire::media::Endpoint.
MEDIA = {
    "completions": {"model": "m", "prompt": ["6*7?", "a"], "stream": True, "n": 2, "best_of": 3, "max_tokens": 9},
    "embeddings": {"model": "m", "input": ["alpha", [1, 2, 3]], "encoding_format": "base64", "dimensions": 16},
    "images": {"model": "m", "prompt": "a dot", "n": 2, "size": "auto"}, "speech": {"model": "m", "voice": "alloy", "input": "hi"},
    "transcriptions": FORM, "moderations": {"input": ["hello"]},
}
DIALECTS = {"chat": ("/v1/chat/completions", "mock-gpt", CHAT), "responses": ("/v1/responses", "mock-gpt", RESPONSES), "messages": ("/v1/messages", "mock-claude", MESSAGES)}
FAULTS = ("errmid", "eof", "nousage", "usage0", "ping", "crlf", "incomplete", "rfail=insufficient_quota", "badjson")
# Each caller's dialect, with and without a request for usage, and an end of ours: libFuzzer finds the other pairs.
CHOICES = (0, 1, 2, 3, 4, 9)


def main():
    for dialect, (path, model, requests) in DIALECTS.items():
        for number, (name, body) in enumerate(requests.items()):
            body = {"model": model, **({"max_tokens": 50} if dialect == "messages" else {}), **body}
            streamed = {**body, "stream": True, **({"stream_options": {"include_usage": True}} if dialect == "chat" else {})}
            keep(dialect + "_request", name, packed(body))
            keep(dialect + "_request", name + "-stream", packed({**body, "stream": True}))
            plain, stream = (http.post(UP + path, json=what) for what in (body, streamed))
            assert plain.status_code == stream.status_code == 200, plain.text
            answer = plain.content.replace(b"obfuscation", b"obf")
            keep(dialect + "_answer", name, bytes([number % 3]) + answer)
            keep(dialect + "_stream", name, bytes([CHOICES[number % 6], 7]) + stream.content)
        for number, fault in enumerate(FAULTS):
            body = {"model": model + "@" + fault, **({"max_tokens": 50} if dialect == "messages" else {}), **requests["text"], "stream": True}
            content = http.post(UP + path, json=body).content
            keep(dialect + "_stream", fault.split("=")[0], bytes([CHOICES[number % 6], 7]) + content)
            if fault in ("ping", "crlf"): keep("sse", dialect + "-" + fault, bytes([3]) + content)
        for fault in ("400", "429", "529"):
            keep("small", dialect + "-" + fault, b"\0" + http.post(UP + path, json={**body, "model": model + "@" + fault}).content)
        keep("small", dialect + "-text", b"\0" + packed(requests["image"]))
    for name, body in GEMINI.items(): keep("gemini_request", name, packed(body))
    keep("small", "gemini-400", b"\0" + http.post(UP + "/v1beta/models/mock-gemini@400:generateContent", json=GEMINI["text"]).content)
    keep("small", "count", b"\1" + packed({"model": "mock-claude", **MESSAGES["say"]}))
    for number, (name, body) in enumerate(MEDIA.items()): keep("small", name, bytes([2 + number]) + (body if isinstance(body, bytes) else packed(body)))
    turns = [{"type": "response.create", "model": "m", "store": False, "input": "hi", "tools": [responses_tool]}, {"type": "response.output_item.done", "item":
             {"type": "reasoning", "id": "rs_1", "summary": []}}, {"type": "response.output_item.done", "item": {"type": "function_call", "id": "fc_1", "call_id": "c"}},
             {"type": "response.completed", "response": {"id": "resp_1", "output": []}}, {"type": "response.create", "model": "m", "stream_id": "a", "previous_response_id": "resp_1",
             "generate": None, "input": [{"type": "function_call_output", "call_id": "c", "output": "ok"}]}, {"type": "error", "error": {"message": "m", "code": "c"}}]
    keep("socket", "turns", b"\n".join((b">" if turn["type"] == "response.create" else b"") + packed(turn) for turn in turns))
    keep("socket", "path", b"/maker%2Fm:streamGenerateContent?alt=sse")
    keep("sse", "lines", b"\x05\xef\xbb\xbf: c\ndata: a\ndata\nevent:  e\rdata:b\r\n\r\nid: 1\n\nretry\n\n\n")


main()
