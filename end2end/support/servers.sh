# shellcheck shell=bash
# Answers: how do the scripts that drive clients start servers, count checks and compare bills? Sourced, never run.
# It expects: root, kit, python, only (parts to run), FAREBOX_BIN. It leaves: a working folder that is removed at the end,
# pids (stopped at the end), passed and failed.

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
# Dollars for each account.
granted=400.00

start_upstream() {
  "$python" "$kit/upstream.py" --port "$up_port" --key sk-upstream >upstream.log 2>&1 &
  pids+=($!)
  answers "$UPSTREAM/__mock/health" 20 || give_up "upstream.py did not start"
}

# make_accounts NAME…: the upstreams and models of kit/setup_py.py, and an account with a key for each name.
make_accounts() {
  local name made
  "$python" "$kit/setup_py.py" "$granted" "$@" >made.txt 2>>setup.log || give_up "upstreams, models and accounts were not made"
  while read -r name made; do keys[$name]="$made"; done <made.txt
}

start_farebox() {
  "$FAREBOX_BIN" serve >farebox.log 2>&1 &
  server=$!
  pids+=("$server")
  answers "$base/readyz" 30 || give_up "farebox serve is not ready after 30 s"
}

# end_farebox SECRET…: stops it, and looks at what it leaves. The secrets, and all accounts' keys, must not be in its log.
end_farebox() {
  local secret
  check "the ledger holds with the server running" "$FAREBOX_BIN" ledger verify
  kill -TERM "$server"
  check "SIGTERM drains and ends it within 15 s" timeout 15 tail --pid="$server" -f /dev/null
  wait "$server"
  check "it exits with 0" test "$?" = 0
  check "the ledger holds afterwards" "$FAREBOX_BIN" ledger verify
  for secret in "$@" "${keys[@]}" sk-upstream; do
    check "no secret in the log: ${secret:0:11}" test "$(grep -cF -- "$secret" farebox.log)" = 0
  done
}

# total: the last line.
total() {
  if [ "$failed" != 0 ]; then tails 60; fi
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
