"""What would an upstream bill for a request, and what does Farebox charge for it? Counted in whole numbers.

A bucket is a kind of token (or unit) with a price of its own; every token is in exactly one. Prices are dollars per million,
as strings: micro-dollars per million = pico-dollars each. The sum of a call is rounded up once to a nano-dollar."""
from decimal import Decimal

# bucket: the column of `farebox calls list --json`, the option of `farebox admin model create`.
BUCKETS = {
    "input": ("input_tokens", "--input-per-mtok"),
    "cached_input": ("cached_input_tokens", "--cached-input-per-mtok"),
    "cache_write": ("cache_write_tokens", "--cache-write-per-mtok"),
    "cache_write_1h": ("cache_write_1h_tokens", "--cache-write-1h-per-mtok"),
    "audio_input": ("audio_input_tokens", "--audio-input-per-mtok"),
    "image_input": ("image_input_tokens", "--image-input-per-mtok"),
    "output": ("output_tokens", "--output-per-mtok"),
    "reasoning": ("reasoning_tokens", "--reasoning-per-mtok"),
    "audio_output": ("audio_output_tokens", "--audio-output-per-mtok"),
    "image_output": ("image_output_tokens", "--image-output-per-mtok"),
    "tool_calls": ("tool_calls", "--tool-calls-per-million"),
    "units": ("units", "--units-per-million"),
    "call": (None, "--calls-per-million"),
}
# Odd, and different for every bucket, so that a token in the wrong one shows and rounding is put to the test.
PRICES = {
    "input": "2.503917", "cached_input": "1.250001", "cache_write": "3.141597", "cache_write_1h": "5.000057", "audio_input": "40.000013",
    "image_input": "8.000009", "output": "10.000003", "reasoning": "12.000017", "audio_output": "80.000027", "image_output": "32.000081",
    "tool_calls": "10000.000243", "call": "100.000729",
}
FREE = {"input": "0", "output": "0"}


def tokens_of(call):
    """The buckets of a charged call in the ledger, those without tokens left out. A row counts reasoning among the output."""
    return disjoint({bucket: call[column] for bucket, (column, _) in BUCKETS.items() if column})


def disjoint(tokens):
    tokens = {**tokens, "output": tokens.get("output", 0) - tokens.get("reasoning", 0), "call": 1}
    return {bucket: count for bucket, count in tokens.items() if count}


def charge_of(tokens, prices=PRICES):
    """Nano-dollars for so many tokens, rounded up once."""
    picos = sum(count * int(Decimal(prices.get(bucket, "0")) * 10**6) for bucket, count in tokens.items())
    return -(-picos // 1000)


def is_billed(record):
    """Whether a provider sends a bill for a request that upstream.py saw."""
    free = ("/models", "/input_tokens", "/count_tokens", "/moderations")
    return record["method"] == "POST" and not record["path"].endswith(free) and "/__mock" not in record["path"]


def billed(record):
    """The buckets of what upstream.py says that it would bill; `None` when it says nothing."""
    usage = record["usage"]
    if not usage:
        return None
    read = of_gemini if "promptTokenCount" in usage else of_chat if "prompt_tokens" in usage else of_messages if "/messages" in record["path"] else of_responses
    return disjoint(read(usage))


def of_chat(usage):
    """OpenAI's chat and embeddings: the details are inside the sums."""
    asked, said = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    cached, written, heard = (asked.get(name, 0) for name in ("cached_tokens", "cache_write_tokens", "audio_tokens"))
    spoken = said.get("audio_tokens", 0)
    return {"input": usage["prompt_tokens"] - cached - written - heard, "cached_input": cached, "cache_write": written, "audio_input": heard,
            "output": usage.get("completion_tokens", 0) - spoken, "reasoning": said.get("reasoning_tokens", 0), "audio_output": spoken}


def of_responses(usage):
    """OpenAI's responses and images: the details are inside the sums."""
    if usage.get("type") == "duration": return {"units": usage["seconds"] * 1000}
    details = usage.get("input_tokens_details") or {}
    cached, written, seen = (details.get(name, 0) for name in ("cached_tokens", "cache_write_tokens", "image_tokens"))
    is_image = "text_tokens" in details
    return {"input": usage["input_tokens"] - cached - written - seen, "cached_input": cached, "cache_write": written, "image_input": seen,
            "image_output" if is_image else "output": usage["output_tokens"],
            "reasoning": (usage.get("output_tokens_details") or {}).get("reasoning_tokens", 0)}


def of_messages(usage):
    """Anthropic's: the sums are apart already."""
    written = usage.get("cache_creation") or {}
    hour = written.get("ephemeral_1h_input_tokens", 0)
    return {"input": usage["input_tokens"], "cached_input": usage.get("cache_read_input_tokens") or 0,
            "cache_write": (usage.get("cache_creation_input_tokens") or 0) - hour, "cache_write_1h": hour, "output": usage["output_tokens"]}


def of_gemini(usage):
    """Google's: thoughts are beside the candidates."""
    cached = usage.get("cachedContentTokenCount", 0)
    return {"input": usage["promptTokenCount"] - cached, "cached_input": cached,
            "output": usage["candidatesTokenCount"] + usage.get("thoughtsTokenCount", 0), "reasoning": usage.get("thoughtsTokenCount", 0)}
