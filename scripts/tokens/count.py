"""Counts texts by public tokenizers, for docs/tokens.md: `python count.py in.json out.json`, where in.json is a list of objects
with a `text`. Beforehand, outside the repository and with Python 3.12 or later:
  pip install ctok==1.3.0 mistral-common==1.13.1 """
import json
import pathlib
import sys

import ctok
import mistral_common
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

data = pathlib.Path(mistral_common.__file__).parent / "data"
mistral = Tekkenizer.from_file(data / "tekken_240911.json")
texts = json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))
for each in texts:
    text = each["text"]
    # Of one message, less what stands around it.
    each["claude"] = ctok.token_count(text, "4.6") - 7
    each["claude-4.7"] = ctok.token_count(text, "4.8") - 6
    each["mistral"] = len(mistral.encode(text, bos=False, eos=False))
pathlib.Path(sys.argv[2]).write_text(json.dumps(texts, ensure_ascii=False, indent=1), "utf-8")
