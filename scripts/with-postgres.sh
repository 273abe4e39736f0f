#!/usr/bin/env bash
# Answers: how do tests get a PostgreSQL of their own? `scripts/with-postgres.sh COMMAND…` runs the command with
# TEST_POSTGRES_URL set, on a server made for it in a temporary folder (loopback, a free port, a random password,
# nothing synced to disk) and removed at the end, however the command ends.
# A TEST_POSTGRES_URL that is already set is used as it is. POSTGRES_FSYNC=on syncs all the same: a benchmark needs it.
source "$(dirname "$0")/lib.sh"
[ $# -gt 0 ] || die "usage: scripts/with-postgres.sh COMMAND…"

if [ -n "${TEST_POSTGRES_URL:-}" ]; then
  say "PostgreSQL: the server named by TEST_POSTGRES_URL"
  exec "$@"
fi

programs="$("$ROOT/scripts/setup-postgres.sh")"
folder="$(mktemp -d "${TMPDIR:-/tmp}/farebox-postgres.XXXXXX")"
chmod 700 "$folder"

# PostgreSQL refuses to run as root.
as_server() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  id postgres >/dev/null 2>&1 || die "There is no user postgres to run the server as" "Install Debian's package postgresql, or name a server: TEST_POSTGRES_URL=…"
  chown postgres "$folder"
  as_server() { (cd "$folder" && setpriv --reuid postgres --regid "$(id -g postgres)" --init-groups --inh-caps=-all env HOME="$folder" "$@"); }
fi

stop() {
  as_server "$programs/pg_ctl" -D "$folder/data" -m immediate -s stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

password="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
(umask 077 && printf '%s\n' "$password" >"$folder/password")
if [ "$(id -u)" = 0 ]; then chown postgres "$folder/password"; fi
as_server "$programs/initdb" -D "$folder/data" -U farebox --pwfile "$folder/password" -A scram-sha-256 -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 \
  || { cat "$folder/initdb.log" >&2; die "initdb failed"; }

fsync="${POSTGRES_FSYNC:-off}"
# A port is free until somebody takes it: a few tries.
started=
for _ in 1 2 3 4 5; do
  port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 30000))
  if as_server "$programs/pg_ctl" -D "$folder/data" -l "$folder/data/server.log" -w -s -o \
    "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 -c fsync=$fsync -c full_page_writes=$fsync" start >/dev/null 2>&1; then
    started=yes
    break
  fi
done
[ -n "$started" ] || { tail -n 5 "$folder/data/server.log" >&2; die "PostgreSQL did not start"; }
say "PostgreSQL: $("$programs/postgres" --version | cut -d' ' -f3) on port $port, for this run only"

export TEST_POSTGRES_URL="postgres://farebox:$password@127.0.0.1:$port/postgres"
"$@"
