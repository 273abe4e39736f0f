#!/usr/bin/env bash
# Answers: do Codex CLI and Claude Code work through Farebox, whichever dialect the upstream speaks, and is every one of
# their calls billed once? Starts upstream.py and Farebox as clients.sh does, runs both command lines unmodified, and
# compares upstream.py's bill with the ledger after each. The last line is the sum.
#   FAREBOX_BIN, PYTHON   the binary and a Python with requirements.txt, when they are not where `make` puts them
#   KIT_CODEX, KIT_CLAUDE the programs (scripts/setup-agents.sh fetches and names them)
#   ONLY                  names of parts to run, separated by commas: codex,claude,setup
#   KEEP                  when set, the folder with logs and database is kept and named
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
kit="$root/end2end/kit"
export FAREBOX_BIN="${FAREBOX_BIN:-$root/target/release/farebox}"
python="${PYTHON:-$root/.cache/venv/bin/python}"
only="${ONLY:-codex,claude,setup}"
keep="${KEEP:-}"

[ -x "$FAREBOX_BIN" ] || { echo "!! there is no $FAREBOX_BIN: run 'make build' first, or set FAREBOX_BIN" >&2; exit 1; }
[ -x "${KIT_CODEX:-}" ] && [ -x "${KIT_CLAUDE:-}" ] || { echo "!! set KIT_CODEX and KIT_CLAUDE, or use 'make test-agents'" >&2; exit 1; }

source "$root/end2end/support/servers.sh"

start_upstream
make_accounts codex-openai codex-chat codex-anthropic claude-anthropic claude-openai claude-responses setup-codex setup-claude
start_farebox

billed codex-openai "" run_codex.sh mock-gpt
billed codex-chat "" run_codex.sh chat/mock-gpt
billed codex-anthropic "" run_codex.sh mock-claude
billed claude-anthropic "" run_claude.sh mock-claude
billed claude-openai "" run_claude.sh mock-gpt
billed claude-responses "" run_claude.sh responses/mock-gpt
# As the quick-start pages say it: the site's own set-up script, then the program with nothing else set.
billed setup-codex "" run_setup.sh mock-gpt
AGENT=claude billed setup-claude "" run_setup.sh mock-claude

end_farebox
total
