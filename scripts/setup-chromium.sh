#!/usr/bin/env bash
# Answers: which browser do the end-to-end tests drive? Prints its path; installs Debian's when there is none.
# CHROMIUM=/path/to/chrome chooses another one (Chromium or Chrome, 111 or newer).
source "$(dirname "$0")/lib.sh"

find_browser() {
  local name
  for name in ${CHROMIUM:+"$CHROMIUM"} chromium chromium-browser google-chrome; do
    if have "$name"; then command -v "$name"; return 0; fi
  done
  return 1
}

# Letters of every language that Farebox speaks, so that screenshots show words and not boxes.
has_fonts() { have fc-list && [ -n "$(fc-list :lang=ar family)" ] && [ -n "$(fc-list :lang=ru family)" ]; }

[ -z "${CHROMIUM:-}" ] || have "$CHROMIUM" || die "CHROMIUM=$CHROMIUM is no program"

missing=()
find_browser >/dev/null || missing+=(chromium)
has_fonts || missing+=(fonts-noto-core fontconfig)
if [ ${#missing[@]} -gt 0 ]; then
  if may_install; then apt_install "end-to-end tests" "${missing[@]}"
  elif ! find_browser >/dev/null; then
    die "The end-to-end tests need Chromium" \
      "Debian, Ubuntu: apt-get install ${missing[*]}     macOS: brew install --cask chromium" \
      "or name a Chromium or Chrome: CHROMIUM=/path/to/chrome make test"
  fi
fi
find_browser || die "Chromium was installed but is not on the PATH"
