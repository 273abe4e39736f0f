#!/usr/bin/env bash
# Answers: how is the part that runs in the browser compiled, and linted?
#   scripts/wasm-build.sh          target/wasm32-unknown-unknown/wasm-release/frontend.wasm, for the bundle program
#   scripts/wasm-build.sh clippy   clippy over the islands, which the native run never sees
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

flags="$("$ROOT/scripts/wasm-target.sh")"
if [ -n "$flags" ]; then
  # The flag -Z is for nightly compilers; this variable is how a stable one is told that it is meant.
  export RUSTC_BOOTSTRAP=1
fi
how="--locked --lib --profile wasm-release --target wasm32-unknown-unknown"
# shellcheck disable=SC2086 # the flags are words
case "${1:-build}" in
  build) exec cargo build $flags $how -p frontend ;;
  clippy) exec cargo clippy $flags $how -p frontend -p app --features app/hydrate -- -D warnings ;;
  *) die "usage: scripts/wasm-build.sh [build|clippy]" ;;
esac
