#!/usr/bin/env bash
# Answers: where are PostgreSQL's server programs? Prints their folder; installs Debian's package when there is none.
source "$(dirname "$0")/lib.sh"

find_server() {
  local folder
  if have pg_config; then
    folder="$(pg_config --bindir)"
    if [ -x "$folder/initdb" ]; then echo "$folder"; return 0; fi
  fi
  # Debian keeps them outside the PATH, one folder a version: the newest.
  folder="$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1 || true)"
  if [ -n "$folder" ] && [ -x "$folder/initdb" ]; then echo "$folder"; return 0; fi
  if have initdb; then dirname "$(command -v initdb)"; return 0; fi
  return 1
}

if find_server; then exit 0; fi
may_install || die "The tests need a PostgreSQL server (15 or newer)" \
  "Debian, Ubuntu: apt-get install postgresql     macOS: brew install postgresql" \
  "or name a server where a test may make databases: TEST_POSTGRES_URL=postgres://user:password@host/db make test"
apt_install "tests on PostgreSQL" postgresql >&2
find_server || die "PostgreSQL was installed but initdb is nowhere to be found"
