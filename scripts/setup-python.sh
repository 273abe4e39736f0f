#!/usr/bin/env bash
# Answers: which Python drives the client scripts? Prints its path: one in .cache/venv, with the exact packages of
# end2end/requirements.txt. `--bare` stops after making it, for tools that come as wheels.
source "$(dirname "$0")/lib.sh"

VENV="$CACHE/venv"
PYTHON="$VENV/bin/python"
requirements="$ROOT/end2end/requirements.txt"

make_venv() {
  have python3 || apt_install "client tests" python3 python3-venv
  say "making .cache/venv with $(python3 --version)"
  rm -rf "$VENV"
  if ! python3 -m venv "$VENV" >"$CACHE/venv.log" 2>&1; then
    # Debian's Python comes without the part that puts pip in.
    apt_install "client tests" python3-venv
    python3 -m venv --clear "$VENV"
  fi
}

install() {
  say "fetching from PyPI: $(grep -vE '^[[:space:]]*(#|$|--)' "$requirements" | sed 's/[ ;\\].*//' | paste -sd' ' -)"
  "$PYTHON" -m pip install -q --disable-pip-version-check --only-binary :all: -r "$requirements" >&2 </dev/null \
    || die "pip could not install end2end/requirements.txt" "Without PyPI: install these packages into .cache/venv by hand."
}

if ! "$PYTHON" -m pip --version >/dev/null 2>&1; then make_venv >&2; fi
if [ "${1:-}" != --bare ]; then with_stamp "$VENV/requirements.stamp" "$(sha256_of "$requirements")" install; fi
echo "$PYTHON"
