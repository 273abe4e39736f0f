# shellcheck shell=bash
# Answers: which small helpers do all scripts share? Sourced, never run.
# Progress goes to standard error, so that a script's standard output can carry a path or flags for its caller.

set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
CACHE="$ROOT/.cache"
mkdir -p "$CACHE"

say() { printf '   %s\n' "$*" >&2; }

# die TITLE [LINE…]: what is wrong, then what to do about it.
die() {
  printf '\n!! %s\n' "$1" >&2
  shift
  if [ $# -gt 0 ]; then printf '   %s\n' "$@" >&2; fi
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

sha256_of() {
  if have sha256sum; then sha256sum "$1" | cut -d' ' -f1; else shasum -a 256 "$1" | cut -d' ' -f1; fi
}

# as_root COMMAND…: as it is for root, through sudo where sudo asks for no password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo && sudo -n true 2>/dev/null; then sudo -n "$@"
  else return 127
  fi
}

may_install() { have apt-get && { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }; }

# apt_install WHAT-FOR PACKAGE…: installs Debian packages, or says what to install and stops.
# The lists are fetched only when apt does not know a package, or the version it knows is gone from the mirror.
apt_install() {
  local what="$1"
  shift
  may_install || die "$what needs these packages: $*" \
    "This is neither root, nor a user with password-less sudo, on a machine with apt-get." \
    "Install them (on Debian or Ubuntu: apt-get install $*), then run this again."
  say "$what: fetching from the Debian mirror: $*"
  local log="$CACHE/apt.log"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@")
  if as_root "${install[@]}" >"$log" 2>&1 </dev/null; then return; fi
  as_root apt-get update -q >>"$log" 2>&1 </dev/null || true
  as_root "${install[@]}" >>"$log" 2>&1 </dev/null || {
    tail -n 15 "$log" >&2
    die "$what: apt-get could not install $*" "The whole output is in .cache/apt.log. Install the packages by hand, then run this again."
  }
}

# with_stamp FILE KEY COMMAND…: runs the command unless FILE already holds KEY.
with_stamp() {
  local file="$1" key="$2"
  shift 2
  if [ -f "$file" ] && [ "$(cat "$file")" = "$key" ]; then return; fi
  "$@"
  mkdir -p "$(dirname "$file")"
  printf '%s\n' "$key" >"$file"
}
