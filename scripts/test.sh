#!/usr/bin/env bash
# Answers: what does `make test` run, in which order, and how did it end?
# Quick steps first. A step that later ones need stops the run when it fails; the suites all run. The last line is
# the sum, with each step that is not a suite counted as one. Every step's output is kept in .cache/logs.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
# A Farebox that this shell is set up for stays out of it.
unset "${!FAREBOX_@}" DATABASE_URL
LOGS="$CACHE/logs"
rm -rf "$LOGS"
mkdir -p "$LOGS"

passed=0 failed=0 table="" begun=$SECONDS

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

finish() {
  printf '\n%s%-10s %s\n\n' "$table" "all" "$(clock $((SECONDS - begun)))"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# count LOG: adds up what the runners say in it: cargo test ("test result: ok. N passed; N failed; …"), Playwright
# ("  N passed (1.2m)", "  N failed") and the client scripts ("N passed, N failed, N skipped"). Sets good and bad.
count() {
  read -r good bad < <(sed -E 's/\x1b\[[0-9;]*[A-Za-z]//g' "$1" | awk '
    /^test result: / || /^ *[0-9]+ (passed|failed|interrupted|did not run)/ {
      rest = $0
      while (match(rest, /[0-9]+ (passed|failed|interrupted|did not run)/)) {
        split(substr(rest, RSTART, RLENGTH), word, " ")
        if (word[2] == "passed") good += word[1]; else bad += word[1]
        rest = substr(rest, RSTART + RLENGTH)
      }
    }
    END { print good + 0, bad + 0 }')
}

# run KIND NAME WHAT COMMAND…: kind "must" (one check, needed by what follows), "check" (one check), "suite" (many).
run() {
  local kind="$1" name="$2" what="$3" start=$SECONDS status=0 good bad
  shift 3
  printf '\n== %s: %s\n' "$name" "$what"
  "$@" 2>&1 </dev/null | tee "$LOGS/$name.log" || status=$?
  if [ "$kind" = suite ]; then
    count "$LOGS/$name.log"
    # A suite that broke, or ran nothing, is a failure even if it counted none.
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    if [ "$good" = 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  else
    good=$((status == 0)) bad=$((status != 0))
  fi
  passed=$((passed + good)) failed=$((failed + bad))
  local line
  line="$(printf '%-10s %6s  %4d passed %3d failed' "$name" "$(clock $((SECONDS - start)))" "$good" "$bad")"
  table+="$line"$'\n'
  printf '== %s\n' "$line"
  if [ "$kind" = must ] && [ "$bad" != 0 ]; then
    printf '\nThe steps after this one need it, so they did not run.\n'
    finish
    exit 1
  fi
}

step() { "${MAKE:-make}" --no-print-directory -s "$1"; }

run check fmt     "is every file formatted?"                                               step fmt
run check deny    "bans, licences and sources of all dependencies (fetches: cargo-deny)"  step deny
run must  bundle  "the browser part (fetches: crates, the wasm target)"                   step bundle
run must  build   "the release binary (fetches: crates)"                                  step binary
run check locales "is every text there in every language?"                                step locales
run check lint    "clippy, every warning an error"                                        step lint
run suite unit    "unit and property tests of every package"                              step unit
run suite it      "integration on SQLite and PostgreSQL (fetches: postgresql, Python)"   step it
run suite e2e     "the pages in Chromium (fetches: Debian's chromium, npm packages)"      step e2e
run suite clients "real clients against the binary (fetches: packages from PyPI)"         step clients
run suite fuzz    "every parser of the wire, fed with anything (fetches: crates)"          step fuzz
finish
