#!/bin/sh
# Sets Claude Code up for @BRAND@, and takes it back with --undo.
#
#   curl -fsSL @SITE@/setup/claude-code.sh | sh
#   curl -fsSL @SITE@/setup/claude-code.sh | sh -s -- --undo
#
# What it does, and nothing else: it writes one file, ~/.claude/farebox.json ($CLAUDE_CONFIG_DIR/farebox.json), which only
# you can read, with the address, the model and your key. Your own settings are not touched: `claude` alone goes on as
# before, and `claude --settings ~/.claude/farebox.json` uses @BRAND@. --undo removes the file.
#
# The key is read from FAREBOX_KEY, or you are asked for it.
# Options: --model NAME (or FAREBOX_MODEL), --undo, --help
set -eu

site='@SITE@'
model=${FAREBOX_MODEL:-'@MODEL@'}

say() { printf '%s\n' "$*"; }
stop() {
  printf '%s\n' "$*" >&2
  exit 1
}

undo=no
while [ $# -gt 0 ]; do
  case $1 in
    --undo) undo=yes ;;
    --model)
      [ $# -gt 1 ] || stop "--model wants a name. The models are listed at $site/prices."
      shift
      model=$1
      ;;
    --help | -h)
      say "Sets Claude Code up for $site. Options: --model NAME, --undo. Settings: FAREBOX_KEY, FAREBOX_MODEL, CLAUDE_CONFIG_DIR."
      exit 0
      ;;
    *) stop "There is no option $1. There are --model NAME, --undo and --help." ;;
  esac
  shift
done

home=${CLAUDE_CONFIG_DIR:-$HOME/.claude}
settings=$home/farebox.json
umask 077

if [ $undo = yes ]; then
  if [ -f "$settings" ]; then
    rm -f "$settings"
    say "Removed $settings."
  else
    say "There is nothing to undo: no $settings."
  fi
  exit 0
fi

[ -n "$model" ] || stop "Name the model to begin with: --model NAME. The models are listed at $site/prices."
case $model in
  *[!A-Za-z0-9._:/@-]*) stop "A model's name has letters, digits and . _ - / : @ in it, so this is none: $model" ;;
esac

key=${FAREBOX_KEY:-}
if [ -z "$key" ]; then
  # The script itself may come from standard input, so the terminal is asked.
  (: </dev/tty) 2>/dev/null || stop "Set FAREBOX_KEY to your key first: this is no terminal to ask in. Keys are made at $site/keys."
  printf 'Your key (made at %s/keys; it is not shown): ' "$site" >/dev/tty
  stty -echo </dev/tty
  trap 'stty echo </dev/tty; exit 130' INT TERM
  IFS= read -r key </dev/tty || key=
  stty echo </dev/tty
  trap - INT TERM
  printf '\n' >/dev/tty
fi
case $key in
  '' | *[!A-Za-z0-9._-]*) stop "That is no key. Nothing was changed." ;;
esac

# A key that is refused would only show in the middle of the first task. The key is not put on the command line.
if command -v curl >/dev/null 2>&1; then
  status=$(printf 'header = "Authorization: Bearer %s"\n' "$key" | curl -sS -o /dev/null -w '%{http_code}' -m 20 -K - "$site/v1/models") || status=000
  case $status in
    200) ;;
    401 | 403) stop "$site does not accept this key (status $status). Nothing was changed. Keys are made at $site/keys." ;;
    *) say "Note: the key could not be tried (status $status)." ;;
  esac
fi

mkdir -p "$home"
rm -f "$settings"
cat >"$settings" <<JSON
{
  "env": {
    "ANTHROPIC_BASE_URL": "$site",
    "ANTHROPIC_AUTH_TOKEN": "$key",
    "ANTHROPIC_MODEL": "$model",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": "$model"
  }
}
JSON

say "Start Claude Code with: claude --settings $settings"
say "It uses $model at $site. Undo: curl -fsSL $site/setup/claude-code.sh | sh -s -- --undo"
