#!/bin/bash
# run_setup.sh BASE_URL KEY MODEL   the set-up scripts that a site serves (/setup/codex.sh, /setup/claude-code.sh), in
# throw-away homes: with and without settings of one's own, twice, undone; then the programs themselves, where KIT_CODEX and
# KIT_CLAUDE name them. AGENT=codex (or claude) chooses one. SCRIPTS=FOLDER takes them from there, for a server without any.
. "$(dirname "$0")/env.sh"; B=${1:-http://127.0.0.1:9099}; KEY=${2:-sk-upstream}; M=${3:-mock-gpt}; AGENT=${AGENT:-codex}; rc=0
SH=${SH:-sh}
[ "$AGENT" = claude ] && S=claude-code.sh || S=codex.sh
if [ -n "${SCRIPTS:-}" ]; then sed "s|@SITE@|$B|g; s|@BASE@|$B/v1|g; s|@MODEL@||g; s|@BRAND@|Mock|g" "$SCRIPTS/$S" >"$W/$S"
else curl -fsS --noproxy '*' "$B/setup/$S" -o "$W/$S" || { echo "FAIL ${S%.sh}_is_served"; exit 1; }; fi
check(){ n=$1; shift; if "$@" >"$W/out" 2>&1; then echo "ok   $n"; else echo "FAIL $n: $(tail -c 400 "$W/out")"; rc=1; fi; }
# setup HOME ARGUMENT…: as `curl … | sh` runs it, without a terminal
setup(){ h=$1; shift; setsid env -i HOME="$h" PATH=/usr/local/bin:/usr/bin:/bin no_proxy=127.0.0.1 FAREBOX_KEY="${K1-$KEY}" "$SH" -s -- "$@" <"$W/$S"; }
has(){ grep -qF -- "$1" "$2"; }
hasnt(){ ! grep -qF -- "$1" "$2"; }

codex_homes(){
  # of one's own: choices at the top, tables, comments, a link, no newline at the end
  mkdir -p "$W/own/.codex" "$W/none" "$W/twice/.codex" "$W/dots"
  printf '# mine\nmodel = "o3"  # for work\nmodel_provider = "openai"\nmodel_reasoning_effort = "high"\n\n[features]\nplugins = false\n\n[profiles.x]\nmodel = "kept"\n\n[mcp_servers.docs]\ncommand = "x"' >"$W/dots/real.toml"
  ln -s "$W/dots/real.toml" "$W/own/.codex/config.toml"; cp "$W/dots/real.toml" "$W/own.before"
  F="$W/own/.codex/config.toml"
  check setup_own_settings setup "$W/own" --model "$M"
  check setup_own_is_toml "$PY3" -c "
import sys, tomllib
c = tomllib.load(open(sys.argv[1], 'rb'))
assert (c['model'], c['model_provider']) == (sys.argv[2], 'farebox'), c
p = c['model_providers']['farebox']
assert p['base_url'] == sys.argv[3] + '/v1' and p['env_key'] == 'FAREBOX_KEY' and p['wire_api'] == 'responses', p
assert c['features'] == {'plugins': False} and c['profiles']['x']['model'] == 'kept' and c['mcp_servers']['docs']['command'] == 'x', c
assert c['model_reasoning_effort'] == 'high', c" "$F" "$M" "$B"
  check setup_own_keeps_all has '# mine' "$F"
  check setup_own_backup cmp "$F.before-farebox" "$W/own.before"
  check setup_own_key_not_stored hasnt "$KEY" "$F"
  check setup_own_still_a_link test -L "$F"
  cp "$F" "$W/once"
  check setup_twice setup "$W/own" --model "$M"
  check setup_twice_changes_nothing cmp "$F" "$W/once"
  check setup_other_model setup "$W/own" --model other/model-1
  check setup_other_model_replaces has 'model = "other/model-1"' "$F"
  check setup_one_block_each test "$(grep -c '^# >>> farebox' "$F")" = 2
  check setup_undo setup "$W/own" --undo
  check setup_undo_to_the_byte cmp "$F" "$W/own.before"
  check setup_undo_leaves_no_backup test ! -e "$F.before-farebox"
  check setup_undo_twice setup "$W/own" --undo
  # undone after an edit of one's own: the edit stays
  setup "$W/own" --model "$M" >/dev/null 2>&1; printf '\n[tui]\nnotifications = true\n' >>"$F"
  check setup_undo_after_an_edit setup "$W/own" --undo
  check setup_undo_keeps_the_edit has 'notifications = true' "$F"
  check setup_undo_brings_back_the_choice has 'model = "o3"  # for work' "$F"
  check setup_undo_takes_all_of_ours hasnt farebox "$F"
  # none at all
  check setup_no_settings setup "$W/none" --model "$M"
  check setup_no_settings_for_me_alone test "$(stat -c %a "$W/none/.codex/config.toml")" = 600
  check setup_no_settings_undo setup "$W/none" --undo
  check setup_no_settings_undone test ! -e "$W/none/.codex/config.toml"
  # refusals change nothing
  cp "$F" "$W/once"
  if K1=sk-wrong setup "$W/own" --model "$M" >"$W/out" 2>&1; then echo "FAIL setup_wrong_key"; rc=1; else echo "ok   setup_wrong_key"; fi
  if K1= setup "$W/own" --model "$M" >"$W/said" 2>&1; then echo "FAIL setup_no_key_no_terminal"; rc=1; else check setup_no_key_says_where has "$B/keys" "$W/said"; fi
  if setup "$W/own" --model 'a"b' >"$W/out" 2>&1; then echo "FAIL setup_odd_model"; rc=1; else echo "ok   setup_odd_model"; fi
  check setup_refused_changes_nothing cmp "$F" "$W/once"
  # asked in a terminal: the key is stored, for its owner alone
  check setup_asks "$PY3" - "$W/$S" "$W/dots" "$KEY" "$M" "$SH" <<'ASK'
import os, pty, sys
script, home, key, model, sh = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0: os.execve("/usr/bin/env", ["env", "-i", "HOME=" + home, "PATH=/usr/local/bin:/usr/bin:/bin", "no_proxy=127.0.0.1", sh, script, "--model", model], os.environ)
seen, sent = b"", False
while True:
    try: got = os.read(fd, 4096)
    except OSError: break
    if not got: break
    seen += got
    if b"Your key" in seen and not sent: sent = True; __import__("time").sleep(.2); os.write(fd, key.encode() + b"\n")
assert os.waitpid(pid, 0)[1] == 0, seen
assert key.encode() not in seen, "the key was shown"
ASK
  check setup_asked_key_is_stored has "$KEY" "$W/dots/.codex/config.toml"
  check setup_asked_for_me_alone test "$(stat -c %a "$W/dots/.codex/config.toml")" = 600
  [ -x "$CODEX" ] || return 0
  # the program, with nothing else set but what keeps it from other hosts
  for home in dots none; do
    setup "$W/$home" --model "$M" >/dev/null 2>&1
    # Asked for, the key is stored; set, it is named.
    [ $home = dots ] && env="" || env="FAREBOX_KEY=$KEY"
    [ $home = dots ] && sed -i 's/^env_key.*/experimental_bearer_token = "'"$KEY"'"/' "$W/dots/.codex/config.toml"
    printf '\ncheck_for_update_on_startup = false\n[features]\nplugins = false\n[analytics]\nenabled = false\n' >"$W/rest"
    { sed -n 1,4p "$W/$home/.codex/config.toml"; sed -n 2p "$W/rest"; sed 1,4d "$W/$home/.codex/config.toml"; sed 1,2d "$W/rest"; } >"$W/all" && cp "$W/all" "$W/$home/.codex/config.toml"
    check "setup_codex_works_$home" bash -c "cd $W && timeout 120 $CLEAN HOME=$W/$home $env $CODEX exec --skip-git-repo-check --sandbox read-only 'What is 6*7?' </dev/null 2>$W/err | grep -q 'answer is 42'"
  done
}

claude_homes(){
  mkdir -p "$W/own/.claude"; printf '{"theme": "dark"}\n' >"$W/own/.claude/settings.json"; cp "$W/own/.claude/settings.json" "$W/own.before"
  F="$W/own/.claude/farebox.json"
  check setup_own_settings setup "$W/own" --model "$M"
  check setup_own_is_json "$PY3" -c "
import json, sys
e = json.load(open(sys.argv[1]))['env']
assert (e['ANTHROPIC_BASE_URL'], e['ANTHROPIC_AUTH_TOKEN'], e['ANTHROPIC_MODEL']) == tuple(sys.argv[2:5]), e" "$F" "$B" "$KEY" "$M"
  check setup_for_me_alone test "$(stat -c %a "$F")" = 600
  check setup_twice setup "$W/own" --model "$M"
  if K1=sk-wrong setup "$W/own" --model "$M" >"$W/out" 2>&1; then echo "FAIL setup_wrong_key"; rc=1; else echo "ok   setup_wrong_key"; fi
  if [ -x "$CLAUDE" ]; then
    check setup_claude_works bash -c "cd $W && timeout 120 $CLEAN HOME=$W/own CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_TELEMETRY=1 DISABLE_AUTOUPDATER=1 DISABLE_ERROR_REPORTING=1 $CLAUDE --settings $F -p 'What is 6*7?' </dev/null 2>$W/err | grep -q 'answer is 42'"
  fi
  check setup_undo setup "$W/own" --undo
  check setup_undone test ! -e "$F"
  check setup_own_untouched cmp "$W/own/.claude/settings.json" "$W/own.before"
}
PY3=${PYTHON:-python3}
if [ "$AGENT" = claude ]; then claude_homes; else codex_homes; fi
exit $rc
