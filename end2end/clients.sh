#!/usr/bin/env bash
# Answers: do real, unmodified clients work through Farebox, and does its ledger agree with the upstream's bill?
# Starts upstream.py, the sandbox upstream and Farebox with an empty data folder on free loopback ports, then runs the
# scripts of kit/. upstream.py is registered once for each dialect that an upstream may speak. After each script that asks
# it, its bill is compared with the ledger, call by call. The last line is the sum.
#   FAREBOX_BIN, PYTHON   the binary and a Python with requirements.txt, when they are not where `make` puts them
#   ONLY                  names of parts to run, separated by commas: openai,anthropic,edge,curl,pairs,exceptions,sandbox,money,mail
#   KEEP                  when set, the folder with logs and database is kept and named
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
kit="$root/end2end/kit"
export FAREBOX_BIN="${FAREBOX_BIN:-$root/target/release/farebox}"
python="${PYTHON:-$root/.cache/venv/bin/python}"
only="${ONLY:-openai,anthropic,edge,curl,pairs,exceptions,sandbox,money,mail}"
keep="${KEEP:-}"

# What the other dialect cannot say. exceptions_py.py asserts that each is refused clearly, or what comes instead.
# Nobody's batches are offered.
skip_batches="batches"
# An Anthropic upstream keeps no responses and gives one answer; models of other media stay on an OpenAI upstream.
skip_openai_to_anthropic="responses_stateful,chat_n2,legacy_completions"
# OpenAI's dialects report no writing into a cache, and upstream.py's models show no thoughts there.
skip_anthropic_to_openai="batches,cache_usage,thinking_stream"

[ -x "$FAREBOX_BIN" ] || { echo "!! there is no $FAREBOX_BIN: run 'make build' first, or set FAREBOX_BIN" >&2; exit 1; }
"$python" -c 'import aiohttp, aiosmtpd, anthropic, h2, httpx, openai, zstandard' || { echo "!! $python lacks end2end/requirements.txt: run scripts/setup-python.sh" >&2; exit 1; }

# Nothing of the caller's settings, keys or proxies leaks in; no farebox.toml lies in the folder we run from.
for name in $(compgen -v | grep -E '^(FAREBOX_|OPENAI_|ANTHROPIC_|DATABASE_URL$|https?_proxy$|HTTPS?_PROXY$|all_proxy$|ALL_PROXY$)'); do
  [ "$name" = FAREBOX_BIN ] || unset "$name"
done
unset ONLY SKIP KEEP
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost PYTHONDONTWRITEBYTECODE=1
work="$(mktemp -d)"
cd "$work"

pids=()
passed=0 failed=0

# stop PID: asks, waits ten seconds, then insists.
stop() {
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep .1
  done
  kill -9 "$1" 2>/dev/null
}

cleanup() {
  local status=$?
  trap - EXIT INT TERM
  for pid in "${pids[@]+"${pids[@]}"}"; do stop "$pid"; done
  if [ -n "$keep" ]; then echo "kept: $work"; else rm -rf "$work"; fi
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tails() {
  for log in farebox sandbox upstream setup; do
    [ -s "$log.log" ] || continue
    echo "---- the end of $log.log"
    tail -n "${1:-30}" "$log.log"
  done
}

give_up() {
  echo "FAIL $1"
  tails
  echo "$passed passed, $((failed + 1)) failed"
  exit 1
}

# check NAME COMMAND…: one check of our own.
check() {
  local name="$1"
  shift
  if "$@" >check.log 2>&1; then
    passed=$((passed + 1))
    echo "ok   $name"
  else
    failed=$((failed + 1))
    echo "FAIL $name"
    tail -n 15 check.log
  fi
}

# answers URL SECONDS [KEY]: waits until the URL answers 200.
answers() {
  "$python" - "$@" <<'PY'
import sys, time, urllib.request
url, end, key = sys.argv[1], time.monotonic() + float(sys.argv[2]), (sys.argv[3:] + [""])[0]
last = "never asked"
while time.monotonic() < end:
    try:
        if urllib.request.urlopen(urllib.request.Request(url, headers={"authorization": "Bearer " + key}), timeout=2).status == 200: sys.exit(0)
    except OSError as error: last = error
    time.sleep(.1)
sys.exit("%s: %s" % (url, last))
PY
}

field() { "$python" -c 'import json, sys; print(json.loads(sys.stdin.readline())[sys.argv[1]])' "$1"; }

# admin …: a command that must work; what it prints is in setup.log too.
admin() { "$FAREBOX_BIN" admin "$@" 2> >(tee -a setup.log >&2) | tee -a setup.log; }

# part NAME SKIP SCRIPT ARGUMENT…: runs a script of the kit and adds what it says to the sum.
part() {
  local name="$1" skip="$2" script="$3" line good bad log
  shift 3
  case ",$only," in *",${name%%-*},"*) ;; *) return 0 ;; esac
  log="part-$name-$script.log"
  echo "-- $name: $script"
  # Its own sum is shown with its name, so that whoever adds up these lines counts nothing twice.
  case "$script" in
    *.py) SKIP="$skip" timeout 600 "$python" "$kit/$script" "$@" 2>&1 | tee "$log" | sed -uE "s/^([0-9]+ passed, )/$script: \1/" ;;
    *) timeout 600 bash "$kit/$script" "$@" 2>&1 | tee "$log" ;;
  esac
  line="$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)"
  if [[ "$line" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
    good="${BASH_REMATCH[1]}" bad="${BASH_REMATCH[2]}"
  elif [[ "$script" == *.sh ]] && grep -qE '^(ok|FAIL) ' "$log"; then
    good="$(grep -c '^ok ' "$log")" bad="$(grep -c '^FAIL ' "$log")"
  else
    echo "FAIL $script ended without a sum"
    good=0 bad=1
  fi
  passed=$((passed + good)) failed=$((failed + bad))
  if [ "$bad" != 0 ]; then tails 15; fi
}

# billed NAME SKIP SCRIPT MODEL: a part with an account of its own, then the ledger against what upstream.py would bill.
declare -A keys=()
billed() {
  local name="$1"
  case ",$only," in *",${name%%-*},"*) ;; *) return 0 ;; esac
  "$python" -c 'import os, urllib.request; urllib.request.urlopen(urllib.request.Request(os.environ["UPSTREAM"] + "/__mock/requests", method="DELETE"))'
  part "$name" "$2" "$3" "$base" "${keys[$name]}" "$4"
  EMAIL="$name@kit.test" GRANTED="$granted" part "$name" "" bill_py.py
}

# Sockets held open at the same time, so that the ports differ.
read -r up_port sandbox_port port < <("$python" -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*[s.getsockname()[1] for s in held])')
base="http://127.0.0.1:$port"
export FAREBOX_DATA="$work/data" FAREBOX_LISTEN="127.0.0.1:$port" FAREBOX_DRAIN_SECONDS=8
export UPSTREAM="http://127.0.0.1:$up_port"

"$python" "$kit/upstream.py" --port "$up_port" --key sk-upstream >upstream.log 2>&1 &
pids+=($!)
"$FAREBOX_BIN" sandbox upstream --listen "127.0.0.1:$sandbox_port" >sandbox.log 2>&1 &
pids+=($!)
answers "$UPSTREAM/__mock/health" 20 || give_up "upstream.py did not start"
answers "http://127.0.0.1:$sandbox_port/v1/models" 20 || give_up "the sandbox upstream did not start"

# Before the server runs: commands make and migrate the database by themselves.
granted=400.00
names=(openai-own openai-anthropic anthropic-own anthropic-openai edge-openai edge-anthropic curl-openai curl-anthropic
  pairs-chat pairs-responses pairs-anthropic exceptions-openai exceptions-chat exceptions-responses exceptions-anthropic)
echo "a long password of $RANDOM$RANDOM" | admin account create --email kit@kit.test --password-stdin --json >/dev/null
admin credit grant --email kit@kit.test --amount "$granted" --reason "client scripts" --id kit-1 --json >/dev/null
key="$(admin key create --email kit@kit.test --name kit --json | field key)"
[ -n "$key" ] || give_up "no key was made"
"$python" "$kit/setup_py.py" "$granted" "${names[@]}" >made.txt 2>>setup.log || give_up "upstreams, models and accounts were not made"
while read -r name made; do keys[$name]="$made"; done <made.txt

"$FAREBOX_BIN" serve >farebox.log 2>&1 &
server=$!
pids+=("$server")
answers "$base/readyz" 30 || give_up "farebox serve is not ready after 30 s"

# While it runs: it sees them within five seconds.
admin upstream create --name sandboxed --dialect openai --base-url "http://127.0.0.1:$sandbox_port/v1" --json >/dev/null
for name in echo lorem reasoner tools unicode huge cut 429 500; do
  admin model create --id "kit-$name" --upstream sandboxed --upstream-model "sandbox-$name" --input-per-mtok 0.10 --output-per-mtok 0.40 --context 1000000 --json >/dev/null
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
SPEAKS=openai billed exceptions-openai "" exceptions_py.py mock-gpt
SPEAKS=openai-chat billed exceptions-chat "" exceptions_py.py chat/mock-gpt
SPEAKS=openai-responses billed exceptions-responses "" exceptions_py.py responses/mock-gpt
SPEAKS=anthropic billed exceptions-anthropic "" exceptions_py.py mock-claude
part sandbox "" sandbox_py.py "$base" "$key" kit-
EMAIL=money@kit.test part money "" money_py.py "$base" "$money_key" mock-gpt
part mail "" mail_py.py

check "the ledger holds with the server running" "$FAREBOX_BIN" ledger verify
kill -TERM "$server"
check "SIGTERM drains and ends it within 15 s" timeout 15 tail --pid="$server" -f /dev/null
wait "$server"
check "it exits with 0" test "$?" = 0
check "the ledger holds afterwards" "$FAREBOX_BIN" ledger verify
for secret in "$key" "$money_key" "${keys[@]}" sk-upstream; do
  check "no secret in the log: ${secret:0:11}" test "$(grep -cF -- "$secret" farebox.log)" = 0
done

if [ "$failed" != 0 ]; then tails 60; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
