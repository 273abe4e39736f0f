#!/bin/sh
# Sets Codex CLI up for @BRAND@, and takes it back with --undo.
#
#   curl -fsSL @SITE@/setup/codex.sh | sh
#   curl -fsSL @SITE@/setup/codex.sh | sh -s -- --undo
#
# What it does, and nothing else:
#   - It writes a provider and a model into ~/.codex/config.toml ($CODEX_HOME/config.toml), between marked lines. What you
#     had chosen at the top of that file as `model` and `model_provider` stays in it as comments. Everything else is
#     kept as it is.
#   - The file as it was lies beside it: config.toml.before-farebox.
#   - The key: if FAREBOX_KEY is set, the file only names that variable, and the key is stored nowhere. If it is not, you
#     are asked for the key, which then stands in the file; only you can read it.
#   - Running it again replaces what it wrote before. --undo takes out what it wrote and leaves later edits of yours.
#
# Options: --model NAME (or FAREBOX_MODEL), --undo, --help
set -eu

base='@BASE@'
site='@SITE@'
model=${FAREBOX_MODEL:-'@MODEL@'}
begin="# >>> farebox: written by $site/setup/codex.sh >>>"
end='# <<< farebox <<<'
was='#farebox-was# '

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
      say "Sets Codex CLI up for $site. Options: --model NAME, --undo. Settings: FAREBOX_KEY, FAREBOX_MODEL, CODEX_HOME."
      exit 0
      ;;
    *) stop "There is no option $1. There are --model NAME, --undo and --help." ;;
  esac
  shift
done

home=${CODEX_HOME:-$HOME/.codex}
config=$home/config.toml
before=$config.before-farebox
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The file without anything of ours: the marked lines go, and what they stood for is back.
without() {
  awk -v was="$was" '
    /^# >>> farebox: written by / { ours = 1 }
    !ours { if (index($0, was) == 1) print substr($0, length(was) + 1); else print }
    /^# <<< farebox <<<$/ { ours = 0 }
  ' "$1"
}

# In place, so that links and the rights of the file stay.
put() {
  cat "$1" >"$config"
}

if [ -f "$config" ]; then without "$config" >"$work/clean"; else : >"$work/clean"; fi

if [ $undo = yes ]; then
  if [ ! -f "$config" ] || ! grep -q '^# >>> farebox: written by ' "$config"; then
    say "There is nothing to undo in $config."
    exit 0
  fi
  if [ -f "$before" ]; then
    # The same but for the end of the last line: then to the byte.
    awk 1 "$before" >"$work/before"
    if cmp -s "$work/before" "$work/clean"; then put "$before"; else put "$work/clean"; fi
    rm -f "$before"
  elif [ -s "$work/clean" ]; then
    put "$work/clean"
  else
    # There was no file.
    rm -f "$config"
  fi
  say "Codex CLI is as it was. $config no longer mentions $site."
  exit 0
fi

[ -n "$model" ] || stop "Name the model to begin with: --model NAME. The models are listed at $site/prices."
case $model in
  *[!A-Za-z0-9._:/@-]*) stop "A model's name has letters, digits and . _ - / : @ in it, so this is none: $model" ;;
esac

key=${FAREBOX_KEY:-}
if [ -n "$key" ]; then
  # Named, not stored.
  auth='env_key = "FAREBOX_KEY"'
else
  # The script itself may come from standard input, so the terminal is asked.
  (: </dev/tty) 2>/dev/null || stop "Set FAREBOX_KEY to your key first: this is no terminal to ask in. Keys are made at $site/keys."
  printf 'Your key (made at %s/keys; it is not shown): ' "$site" >/dev/tty
  stty -echo </dev/tty
  trap 'stty echo </dev/tty; exit 130' INT TERM
  IFS= read -r key </dev/tty || key=
  stty echo </dev/tty
  trap 'exit 130' INT TERM
  printf '\n' >/dev/tty
  case $key in
    '' | *[!A-Za-z0-9._-]*) stop "That is no key. Nothing was changed." ;;
  esac
  auth="experimental_bearer_token = \"$key\""
fi

# A key that is refused would only show in the middle of the first task. The key is not put on the command line.
if command -v curl >/dev/null 2>&1; then
  status=$(printf 'header = "Authorization: Bearer %s"\n' "$key" | curl -sS -o /dev/null -w '%{http_code}' -m 20 -K - "$base/models") || status=000
  case $status in
    200) ;;
    401 | 403) stop "$site does not accept this key (status $status). Nothing was changed. Keys are made at $site/keys." ;;
    *) say "Note: the key could not be tried (status $status)." ;;
  esac
fi

# A choice at the top of the file would stand there twice, which TOML forbids.
awk -v was="$was" '
  /^[ \t]*\[/ { tables = 1 }
  !tables && /^[ \t]*(model|model_provider)[ \t]*=/ { print was $0; next }
  { print }
' "$work/clean" >"$work/kept"

{
  say "$begin"
  say "model = \"$model\""
  say 'model_provider = "farebox"'
  say "$end"
  cat "$work/kept"
  say "$begin"
  say '[model_providers.farebox]'
  say 'name = "@BRAND@"'
  say "base_url = \"$base\""
  say 'wire_api = "responses"'
  say "$auth"
  say "$end"
} >"$work/new"

mkdir -p "$home"
# Once: what lies there is from before the first run.
if [ -f "$config" ] && [ ! -f "$before" ] && ! grep -q '^# >>> farebox: written by ' "$config"; then cp -p "$config" "$before"; fi
case $auth in
  # The key stands in it.
  experimental*) if [ -f "$config" ]; then chmod 600 "$config"; fi ;;
esac
put "$work/new"

say "Codex CLI now uses $model at $site. Settings: $config"
if [ -f "$before" ]; then say "As it was before: $before"; fi
case $auth in
  env_key*) say "Codex reads the key from FAREBOX_KEY each time: keep it set, for example in your shell's profile." ;;
esac
say "Try it: codex exec --skip-git-repo-check \"Say hello in one word.\""
say "Undo: curl -fsSL $site/setup/codex.sh | sh -s -- --undo"
