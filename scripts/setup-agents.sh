#!/usr/bin/env bash
# Answers: where are Codex CLI and Claude Code? Fetches both from the npm registry into .cache/agents (about 800 MB, once)
# and prints their paths. Their licences let everybody run them; nothing of them is part of Farebox.
source "$(dirname "$0")/lib.sh"

CODEX="@openai/codex@0.169.0"
CLAUDE="2.1.330"
AGENTS="$CACHE/agents"

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64) platform=linux-arm64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  *) die "Codex CLI and Claude Code come for Linux and macOS, x86-64 and arm64" ;;
esac
node="$("$ROOT/scripts/setup-node.sh")"
export PATH="$node:$PATH"

install() {
  say "fetching from the npm registry: $CODEX (400 MB)"
  mkdir -p "$AGENTS/codex" "$AGENTS/claude"
  (cd "$AGENTS/codex" && npm i --ignore-scripts --no-audit --no-fund --loglevel=error "$CODEX" >&2 </dev/null) || die "npm could not install $CODEX"
  say "fetching from the npm registry: @anthropic-ai/claude-code-$platform@$CLAUDE (380 MB)"
  # The program alone: the package around it only chooses between platforms. It asks for a newer Node, which it does not use.
  (cd "$AGENTS/claude" && npm i --ignore-scripts --force --no-audit --no-fund --loglevel=error "@anthropic-ai/claude-code-$platform@$CLAUDE" >&2 </dev/null) \
    || die "npm could not install @anthropic-ai/claude-code-$platform@$CLAUDE"
}
with_stamp "$AGENTS/stamp" "$CODEX $CLAUDE $platform" install
find "$AGENTS/codex/node_modules/@openai" -name codex -type f -perm -u+x | head -n 1
echo "$AGENTS/claude/node_modules/@anthropic-ai/claude-code-$platform/claude"
