#!/usr/bin/env bash
# Answers: what does an installation of this version leave to the next one? `scripts/make-upgrade-fixture.sh [BINARY]` lets
# a binary live through scripts/upgrade-story.py on SQLite and on PostgreSQL, and writes both databases down as SQL:
# src/tests/fixtures/upgrade/<database>-<newest migration>.sql, with a few figures at the top that src/tests/upgrade.rs
# compares after every migration. Run it before a version's first new migration, and add the two names there.
# Nothing in them is secret: the installation, its passwords and its keys are thrown away.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

binary="$(realpath "${1:-target/release/farebox}")"
[ -x "$binary" ] || die "there is no binary at $binary" "make build"

# Once more as itself, with a PostgreSQL around it.
if [ -z "${TEST_POSTGRES_URL:-}" ]; then exec scripts/with-postgres.sh "$0" "$binary"; fi

have sqlite3 && have python3 || apt_install "the fixture" sqlite3 python3
programs="$("$ROOT/scripts/setup-postgres.sh")"
target=src/tests/fixtures/upgrade
mkdir -p "$target"
unset "${!FAREBOX_@}" DATABASE_URL
folder="$(mktemp -d "${TMPDIR:-/tmp}/farebox-upgrade.XXXXXX")"
trap 'rm -rf "$folder"' EXIT

cat >"$folder/farebox.toml" <<'TOML'
[brand]
name = "Fixture"
[welcome]
credit = "0.50"
[rates]
sources = []
spread_percent = { usual = "1" }
[payments]
bonus_percent = { "20" = "5" }
[payments.manual]
holder = "Fixture Ltd"
accounts = { EUR = ["IBAN DE02 1203 0000 0000 2020 51"] }
[seller]
name = "Fixture Ltd"
address = ["1 Main Street", "Dublin, Ireland"]
tax_id = "IE1234567T"
tax = "VAT 23"
TOML

# live NAME URL: the story, in a data folder of its own.
live() {
  say "$1: a life in a minute"
  mkdir -m 700 "$folder/$1"
  (
    cd "$folder"
    export FAREBOX_BIN="$binary" FAREBOX_CONFIG="$folder/farebox.toml" FAREBOX_DATA="$folder/$1" FAREBOX_LISTEN=127.0.0.1:0 DATABASE_URL="$2"
    "$binary" migrate up >/dev/null
    python3 "$ROOT/scripts/upgrade-story.py"
    "$binary" ledger verify >/dev/null || die "the ledger of the fixture does not hold"
  )
}

# What must be the same in every later version, one question each: its name, and SQL that answers one number. When a later
# schema says it in other words, mend the line at the top of the fixture.
figures() {
  cat <<'FIGURES'
accounts SELECT count(*) FROM account
keys SELECT count(*) FROM api_key
keys_revoked SELECT count(*) FROM api_key WHERE revoked_at IS NOT NULL
credit_nusd SELECT sum(posted) FROM book WHERE kind = 'wallet'
reserved_nusd SELECT sum(reserved) FROM book WHERE kind = 'wallet'
lots_nusd SELECT sum(remaining) FROM lot
bonus_left_nusd SELECT sum(remaining) FROM lot WHERE kind = 'bonus'
transfers SELECT count(*) FROM transfer
transfers_sum SELECT sum(amount) FROM transfer
calls SELECT count(*) FROM call
calls_by_variants SELECT count(*) FROM call c JOIN price p ON p.id = c.price_id WHERE p.version_id IS NOT NULL
charged_nusd SELECT sum(charge_nusd) FROM call
unbilled_nusd SELECT sum(unbilled_nusd) FROM call
counted_of_limits_nusd SELECT sum(spent) FROM key_spend
orders_credited SELECT count(*) FROM orders WHERE settled_at IS NOT NULL
refunded_nusd SELECT sum(refunded_nusd) FROM orders
receipts SELECT count(*) FROM receipt
prices SELECT count(*) FROM price
rates SELECT count(*) FROM fx_rate
policies_accepted SELECT count(*) FROM policy_acceptance
audited SELECT count(*) FROM audit
FIGURES
}

# header ASK…: the figures, as comments; ASK answers one question of SQL.
header() {
  echo "-- What an installation of the version before left behind, by scripts/make-upgrade-fixture.sh. Nothing here is secret."
  figures | while read -r name sql; do
    printf -- '-- figure %s = %s: %s\n' "$name" "$("$@" "$sql")" "$sql"
  done
}

ask_sqlite() { sqlite3 "$folder/sqlite/farebox.db" "$1"; }
ask_postgres() { "$programs/psql" "$address" -XAt -c "$1"; }

live sqlite "sqlite:$folder/sqlite/farebox.db"
version="$(ask_sqlite "SELECT max(version) FROM seaql_migrations")"
version="${version%%_*}"
{
  header ask_sqlite
  sqlite3 "$folder/sqlite/farebox.db" .dump
} >"$target/sqlite-$version.sql"

database="upgrade_fixture_$$"
"$programs/psql" "$TEST_POSTGRES_URL" -Xqc "CREATE DATABASE $database"
address="${TEST_POSTGRES_URL%/*}/$database"
live postgres "$address"
{
  header ask_postgres
  # Without what only psql understands, and settings that another version of the server may not know.
  "$programs/pg_dump" --inserts --rows-per-insert=100 --no-owner --no-privileges "$address" \
    | grep -Ev '^(SET [a-z_]+ = |SELECT pg_catalog.set_config|\\(un)?restrict )'
} >"$target/postgres-$version.sql"
"$programs/psql" "$TEST_POSTGRES_URL" -Xqc "DROP DATABASE $database WITH (FORCE)"

for file in "$target/sqlite-$version.sql" "$target/postgres-$version.sql"; do
  if grep -qE '/(home|root|work|tmp|Users)/|sk-[a-z_-]+[0-9A-Za-z]{8}' "$file"; then die "$file names a folder of this machine, or a key"; fi
  printf '%8d bytes %s\n' "$(wc -c <"$file")" "$file"
done
