#!/usr/bin/env bash
# Answers: does any input make a parser of `wire` panic, or say something else when it is cut elsewhere?
# libFuzzer on the stable compiler: coverage by LLVM's own pass, no sanitizer. Each target (server/wire/fuzz) runs for
# FUZZ_SECONDS (60) over its kept corpus and over what earlier runs found (.cache/fuzz), as many at once as there are cores.
#   scripts/fuzz.sh                 every target
#   scripts/fuzz.sh TARGET …        some
#   scripts/fuzz.sh TARGET FILE …   those inputs alone, once each: to repeat a crash
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

have c++ || apt_install "fuzzing" g++
HOST="$(rustc -vV | sed -n 's/^host: //p')"
# Counters instead of a sanitizer, which would need nightly. Overflows and debug assertions panic, as in a debug build.
flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-trace-compares
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
# A target folder of its own. With --target, build scripts and macros are spared the counters.
RUSTFLAGS="$(tr '\n' ' ' <<<"$flags")" CARGO_TARGET_DIR="$ROOT/target/fuzz" CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
  CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_DEBUG=line-tables-only \
  cargo build --release --locked --package fuzz --target "$HOST" >&2
BINARY="$ROOT/target/fuzz/$HOST/release/fuzz"
CORPUS="$ROOT/server/wire/fuzz/corpus"
FOUND="$CACHE/fuzz"
seconds="${FUZZ_SECONDS:-60}"
mapfile -t all < <(cd "$CORPUS" && ls -d -- */ | tr -d /)

if [ -f "${2:-}" ]; then
  TARGET="$1" exec "$BINARY" -timeout=10 "${@:2}"
fi
targets=("$@")
[ $# -gt 0 ] || targets=("${all[@]}")

# one TARGET: a line with how it ended.
one() {
  local target="$1" log="$FOUND/$1.log" crash
  mkdir -p "$FOUND/$target" "$FOUND/crashes"
  if TARGET="$target" "$BINARY" "$FOUND/$target" "$CORPUS/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 \
    -dict="$CORPUS/../words.dict" -artifact_prefix="$FOUND/crashes/$target-" -print_final_stats=1 >"$log" 2>&1; then
    printf 'ok   %-20s %s runs, %s\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
      "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)"
    return 0
  fi
  crash="$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
  printf 'FAIL %-20s %s\n' "$target" "$(grep -m 1 -A 1 -E 'panicked at|ERROR: libFuzzer' "$log" | tr '\n' ' ')"
  if [ -n "$crash" ]; then
    printf '     the input: %s\n     again:     scripts/fuzz.sh %s %s\n     when it is mended, keep it: mv it to server/wire/fuzz/corpus/%s/\n' \
      "$crash" "$target" "$crash" "$target"
    # A machine of CI is gone when it failed: the input itself, to be made a file again elsewhere.
    printf '     as base64: %s\n' "$(base64 -w 0 "$crash" | head -c 12000)"
  fi
  tail -n 40 "$log" | grep -vE '^#[0-9]' | head -n 30
  return 1
}

passed=0 failed=0 running=0
for target in "${targets[@]}"; do
  [ -d "$CORPUS/$target" ] || die "there is no target $target" "They are: ${all[*]}"
  if [ "$running" -ge "$(nproc)" ]; then
    if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    running=$((running - 1))
  fi
  one "$target" &
  running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
  if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  running=$((running - 1))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
