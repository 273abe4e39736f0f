#!/usr/bin/env bash
# Answers: do the pages work in a real browser, against the release binary?
# Starts two servers with empty data folders on free loopback ports, both as `make run` does: one as it is, and one
# whose languages come from a folder with two pseudo-languages (right-to-left, and very long). Then runs Playwright.
# The last line is the sum. Arguments go to Playwright: `end2end/run.sh journey` runs one file, `-g words` some tests.
#   FAREBOX_BIN, CHROMIUM   the binary and the browser, when they are not where `make` puts them
#   KEEP                    when set, the folder with logs and databases is kept and named
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
bin="${FAREBOX_BIN:-$root/target/release/farebox}"
keep="${KEEP:-}"
[ -x "$bin" ] || { echo "!! there is no $bin: run 'make build' first, or set FAREBOX_BIN" >&2; exit 1; }
[ -d "$root/end2end/node_modules/@playwright/test" ] || { echo "!! end2end/node_modules is missing: run scripts/setup-node.sh" >&2; exit 1; }

# Nothing of the caller's settings or proxies leaks in; the folder the servers run from has a farebox.toml of ours.
for name in $(compgen -v | grep -E '^(FAREBOX_|DATABASE_URL$|https?_proxy$|HTTPS?_PROXY$|all_proxy$|ALL_PROXY$)'); do unset "$name"; done
export FAREBOX_BIN="$bin" NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 FORCE_COLOR=0
work="$(mktemp -d)"
# What cannot be said with a variable: where customers transfer money to.
cat >"$work/farebox.toml" <<'END'
[payments.manual]
holder = "Farebox Ltd"
accounts = { USD = ["IBAN DE02 1203 0000 0000 2020 51"], EUR = ["IBAN DE02 1203 0000 0000 2020 51"] }
END
pids=()

cleanup() {
  local status=$?
  trap - EXIT INT TERM
  for pid in "${pids[@]+"${pids[@]}"}"; do kill "$pid" 2>/dev/null; done
  for pid in "${pids[@]+"${pids[@]}"}"; do
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep .1; done
    kill -9 "$pid" 2>/dev/null
  done
  if [ -n "$keep" ]; then echo "kept: $work"; else rm -rf "$work"; fi
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tails() {
  for log in "$work"/*.log; do
    echo "---- the end of $(basename "$log")"
    # The key is on the first lines; nothing that is printed on failure may show it.
    tail -n 40 "$log" | sed -E 's/sk-fb_[A-Za-z0-9_]+/sk-fb_…/g; s#/claim/[A-Za-z0-9]+#/claim/…#g'
  done
}

give_up() {
  echo "FAIL $1"
  tails
  echo "0 passed, 1 failed"
  exit 1
}

# serve NAME [VARIABLE=VALUE…]: starts a server, waits until it is ready, and sets address, claim and key.
serve() {
  local name="$1" log="$work/$1.log"
  shift
  mkdir -p "$work/$name" && : >"$log"
  (cd "$work" && exec env FAREBOX_DATA="$work/$name" FAREBOX_LISTEN=127.0.0.1:0 FAREBOX_DRAIN_SECONDS=5 FAREBOX_RATES_SOURCES=none "$@" "$bin" serve --welcome) >"$log" 2>&1 &
  pids+=($!)
  for _ in $(seq 300); do
    if grep -q '^Ctrl-C' "$log"; then break; fi
    kill -0 "${pids[-1]}" 2>/dev/null || give_up "farebox serve ($name) ended at once"
    sleep .1
  done
  address="$(sed -nE 's/^Farebox runs at (http[^ ]+)$/\1/p' "$log")"
  claim="$(sed -nE 's#^ +(http[^ ]+/claim/[^ ]+)$#\1#p' "$log")"
  key="$(sed -nE 's/^ +(sk-fb_[A-Za-z0-9_-]+)$/\1/p' "$log")"
  [ -n "$address" ] && [ -n "$claim" ] && [ -n "$key" ] || give_up "farebox serve --welcome ($name) did not print address, link and key within 30 s"
  node -e '
    const [url, end] = [process.argv[1] + "/readyz", Date.now() + 20_000];
    (async function ask() {
      const ready = await fetch(url).then((answer) => answer.ok, () => false);
      if (!ready) Date.now() < end ? setTimeout(ask, 100) : process.exit(1);
    })()' "$address" || give_up "$address/readyz is not 200 after 20 s"
}

serve farebox
export BASE_URL="$address" CLAIM_URL="$claim" API_KEY="$key" DATA="$work/farebox"
export PSEUDO_LOCALES="$work/locales"
node "$root/end2end/support/pseudo.mjs" "$PSEUDO_LOCALES" || give_up "the pseudo-languages were not written"
serve pseudo FAREBOX_LOCALES="$PSEUDO_LOCALES"
export PSEUDO_BASE_URL="$address" PSEUDO_CLAIM_URL="$claim" PSEUDO_API_KEY="$key" PSEUDO_DATA="$work/pseudo"

cd "$root/end2end"
export SUM="$work/sum"
node node_modules/@playwright/test/cli.js test "$@"
status=$?
for pid in "${pids[@]}"; do
  if ! kill -0 "$pid" 2>/dev/null; then
    wait "$pid"
    echo "FAIL a server ended during the run, with status $? (0: somebody stopped it)"
    status=1
  fi
done
if [ "$status" != 0 ]; then tails; fi
# A run that broke before it counted anything has failed.
cat "$SUM" 2>/dev/null || echo "0 passed, 1 failed"
exit "$status"
