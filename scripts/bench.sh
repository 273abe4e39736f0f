#!/usr/bin/env bash
# Answers: what does Farebox weigh? Builds the shipping profile (thin LTO: a full build of its own the first time),
# then prints the binary's size, the time from start to ready with an empty data folder and with a filled one, its
# memory when idle, and the sizes of the browser bundle. And how fast is its ledger (server/benches/ledger.rs), on SQLite and on
# a PostgreSQL that syncs?
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

say "building the shipping profile"
cargo build --profile ship --locked
binary=target/ship/farebox
python="$("$ROOT/scripts/setup-python.sh" --bare)"

folder="$(mktemp -d "${TMPDIR:-/tmp}/farebox-bench.XXXXXX")"
server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap cleanup EXIT

# ready PORT: waits for /readyz and prints how many milliseconds that took.
ready() {
  "$python" - "$1" <<'PY'
import sys, time, urllib.request
start = time.monotonic()
while time.monotonic() - start < 30:
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=1).read()
        print(round((time.monotonic() - start) * 1000))
        break
    except OSError:
        time.sleep(0.005)
else:
    sys.exit("Farebox was not ready after 30 seconds")
PY
}

free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

printf '%-34s %10s bytes\n' "binary" "$(wc -c <"$binary" | tr -d ' ')"
for start in "first start" "second start"; do
  port="$(free_port)"
  FAREBOX_DATA="$folder/data" FAREBOX_LISTEN="127.0.0.1:$port" "$binary" serve >"$folder/log" 2>&1 </dev/null &
  server=$!
  printf '%-34s %10s ms\n' "$start until ready" "$(ready "$port")"
  if [ -r "/proc/$server/status" ]; then
    printf '%-34s %10s kB\n' "$start, memory" "$(awk '/^VmRSS/ {print $2}' "/proc/$server/status")"
  fi
  kill -TERM "$server"
  wait "$server" || true
  server=
done
"$python" - <<'PY'
import json
for name, size in json.load(open("target/site/sizes.json")).items():
    print(f"{name:<34} {size['brotli'] or size['raw']:>10} bytes on the wire")
PY

say "the ledger against its databases: a minute or two"
POSTGRES_FSYNC=on scripts/with-postgres.sh cargo bench --locked --bench ledger
