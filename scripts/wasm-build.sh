#!/usr/bin/env bash
# Answers: how is the part that runs in the browser compiled? The module ends as
# target/wasm32-unknown-unknown/wasm-release/frontend.wasm; the bundle program turns it into what is served.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

flags="$("$ROOT/scripts/wasm-target.sh")"
if [ -n "$flags" ]; then
  # The flag -Z is for nightly compilers; this variable is how a stable one is told that it is meant.
  export RUSTC_BOOTSTRAP=1
fi
# shellcheck disable=SC2086 # the flags are words
exec cargo build $flags --locked -p frontend --lib --profile wasm-release --target wasm32-unknown-unknown
