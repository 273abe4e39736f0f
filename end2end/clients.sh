#!/usr/bin/env bash
# Answers: do real, unmodified clients work through Farebox, and does its ledger agree with the upstream's bill?
# Starts upstream.py, the sandbox upstream and Farebox with an empty data folder on free loopback ports, then runs the
# scripts of kit/. upstream.py is registered once for each dialect that an upstream may speak. After each script that asks
# it, its bill is compared with the ledger, call by call. The last line is the sum.
#   FAREBOX_BIN, PYTHON   the binary and a Python with requirements.txt, when they are not where `make` puts them
#   ONLY                  names of parts to run, separated by commas: openai,anthropic,edge,curl,pairs,ws,exceptions,setup,sandbox,money,mail
#   KEEP                  when set, the folder with logs and database is kept and named
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
kit="$root/end2end/kit"
export FAREBOX_BIN="${FAREBOX_BIN:-$root/target/release/farebox}"
python="${PYTHON:-$root/.cache/venv/bin/python}"
only="${ONLY:-openai,anthropic,edge,curl,pairs,ws,exceptions,setup,sandbox,money,mail}"
keep="${KEEP:-}"

# What the other dialect cannot say. exceptions_py.py asserts that each is refused clearly, or what comes instead.
# Nobody's batches are offered.
skip_batches="batches"
# An Anthropic upstream keeps no responses and gives one answer; models of other media stay on an OpenAI upstream.
skip_openai_to_anthropic="responses_stateful,chat_n2"
# OpenAI's dialects report no writing into a cache, and upstream.py's models show no thoughts there.
skip_anthropic_to_openai="batches,cache_usage,thinking_stream"

[ -x "$FAREBOX_BIN" ] || { echo "!! there is no $FAREBOX_BIN: run 'make build' first, or set FAREBOX_BIN" >&2; exit 1; }
"$python" -c 'import aiohttp, aiosmtpd, anthropic, h2, httpx, openai, zstandard' || { echo "!! $python lacks end2end/requirements.txt: run scripts/setup-python.sh" >&2; exit 1; }

source "$root/end2end/support/servers.sh"

start_upstream
"$FAREBOX_BIN" sandbox upstream --listen "127.0.0.1:$sandbox_port" >sandbox.log 2>&1 &
pids+=($!)
answers "http://127.0.0.1:$sandbox_port/v1/models" 20 || give_up "the sandbox upstream did not start"

# Before the server runs: commands make and migrate the database by themselves.
names=(openai-own openai-anthropic anthropic-own anthropic-openai edge-openai edge-anthropic curl-openai curl-anthropic
  pairs-chat pairs-responses pairs-anthropic exceptions-openai exceptions-chat exceptions-responses exceptions-anthropic ws-openai ws-chat ws-anthropic setup-codex setup-claude)
echo "a long password of $RANDOM$RANDOM" | admin account create --email kit@kit.test --password-stdin --json >/dev/null
admin credit grant --email kit@kit.test --amount "$granted" --reason "client scripts" --id kit-1 --json >/dev/null
key="$(admin key create --email kit@kit.test --name kit --json | field key)"
[ -n "$key" ] || give_up "no key was made"
make_accounts "${names[@]}"
start_farebox

# While it runs: it sees them within five seconds.
admin upstream create --name sandboxed --dialect openai --base-url "http://127.0.0.1:$sandbox_port/v1" --json >/dev/null
for name in echo lorem reasoner tools unicode huge cut 429 500; do
  admin model create --id "kit-$name" --upstream sandboxed --upstream-model "sandbox-$name" --input-per-mtok 0.10 --output-per-mtok 0.40 --tool-calls-per-million 0 --context 1000000 --json >/dev/null
done
money_key="$(echo "a long password of $RANDOM$RANDOM" | admin account create --email money@kit.test --password-stdin --json >/dev/null \
  && admin key create --email money@kit.test --name money --json | field key)"
[ -n "$money_key" ] || give_up "no second key was made"
export GRANTED=25.000000001
for _ in 1 2; do admin credit grant --email money@kit.test --amount "$GRANTED" --reason "client scripts" --id money-1 --json >/dev/null; done
check "a running server sees a new key and models within 5 s" answers "$base/v1/models/kit-500" 5 "$money_key"

LEAVES=1 billed openai-own "" openai_py.py mock-gpt
LEAVES=1 billed openai-anthropic "$skip_openai_to_anthropic" openai_py.py mock-claude
billed anthropic-own "$skip_batches" anthropic_py.py mock-claude
billed anthropic-openai "$skip_anthropic_to_openai" anthropic_py.py mock-gpt
ANTHROPIC_MODEL=mock-claude billed edge-openai "" edge.py mock-gpt
ANTHROPIC_MODEL=mock-gpt billed edge-anthropic "" edge.py mock-claude
ANTHROPIC_MODEL=mock-claude billed curl-openai "" run_curl.sh mock-gpt
ANTHROPIC_MODEL=mock-gpt billed curl-anthropic "" run_curl.sh mock-claude
# Every pair of dialects: each model is asked in all three.
SPEAKS=openai-chat billed pairs-chat "" pairs_py.py chat/mock-gpt
SPEAKS=openai-responses billed pairs-responses "" pairs_py.py responses/mock-gpt
SPEAKS=anthropic billed pairs-anthropic "" pairs_py.py mock-claude
billed ws-openai "" ws_py.py mock-gpt
billed ws-chat "" ws_py.py chat/mock-gpt
billed ws-anthropic "" ws_py.py mock-claude
SPEAKS=openai billed exceptions-openai "" exceptions_py.py mock-gpt
SPEAKS=openai-chat billed exceptions-chat "" exceptions_py.py chat/mock-gpt
SPEAKS=openai-responses billed exceptions-responses "" exceptions_py.py responses/mock-gpt
SPEAKS=anthropic billed exceptions-anthropic "" exceptions_py.py mock-claude
part setup-codex "" run_setup.sh "$base" "${keys[setup-codex]}" mock-gpt
AGENT=claude part setup-claude "" run_setup.sh "$base" "${keys[setup-claude]}" mock-claude
part sandbox "" sandbox_py.py "$base" "$key" kit-
EMAIL=money@kit.test part money "" money_py.py "$base" "$money_key" mock-gpt
part mail "" mail_py.py

end_farebox "$key" "$money_key"
total
