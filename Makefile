# Farebox. `make run` starts it, `make test` checks everything; `make help` lists the parts.
# Each target does the set-up that it needs and is quick when nothing changed. Only the release profile is built:
# one target folder serves running, tests and end-to-end.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# The scripts and the embedded bundle expect the target folder here, whatever the environment says.
export CARGO_TARGET_DIR := $(CURDIR)/target
export CARGO_TERM_COLOR ?= auto

SITE := target/site
WASM := target/wasm32-unknown-unknown/wasm-release/frontend.wasm
BINARY := target/release/farebox

.PHONY: help run build test wasm bundle binary fmt lint deny unit it e2e clients fuzz test-agents locales audit bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build what is missing, start Farebox with a database in ./data, print the address and a first call
	@export FAREBOX_DATA="$${FAREBOX_DATA:-./data}"; exec $(BINARY) serve --welcome

build: bundle binary ## the release binary with everything embedded: target/release/farebox
	@echo "built $(BINARY)"

test: ## everything that must hold before a change is handed in (it says what it fetches)
	@scripts/test.sh

# ---- the parts of a build

wasm: ## the browser part, compiled (adds the wasm target when it is missing)
	@scripts/wasm-build.sh

# All native packages are named in every build, so that their features, and with them the compiled dependencies, are
# the same in each: `-p bundle` would compile some of them twice.
bundle: wasm ## the browser bundle in target/site: hashed names, compressed, within its budgets
	@cargo build --release --locked --bin bundle
	@target/release/bundle $(WASM) style $(SITE)

binary:
	@cargo build --release --locked

# ---- the parts of a test run

fmt: ## is every Rust file formatted? (`cargo fmt --all` mends it)
	@cargo fmt --all --check

deny: ## bans, licences and sources of all dependencies
	@tool="$$(scripts/setup-cargo-deny.sh)"; "$$tool" --workspace --locked check bans licenses sources

audit: ## known security advisories of all dependencies (asks the RustSec database on GitHub)
	@tool="$$(scripts/setup-cargo-deny.sh)"; "$$tool" --workspace --locked check advisories

# In two runs: the features of the server and of the browser must not meet in one.
lint: bundle ## clippy on the server's and on the browser's part, every warning an error
	@cargo clippy --release --workspace --exclude frontend --all-targets --locked -- -D warnings
	@scripts/wasm-build.sh clippy

locales: build ## is every text there in every language? (that none stands outside locales/: unit and e2e)
	@$(BINARY) locales check

# With a PostgreSQL: the simulated database of the ledger's tests is compared with it.
unit: bundle ## unit and property tests (one package: cargo test --release -p domain)
	@scripts/with-postgres.sh cargo test --release --locked --no-fail-fast --workspace --exclude frontend --lib --bins

it: bundle ## integration tests on SQLite and PostgreSQL (some of them: make it ONLY=ledger)
	@python="$$(scripts/setup-python.sh)"; PYTHON="$$python" \
		scripts/with-postgres.sh cargo test --release --locked --no-fail-fast --test it -- $(ONLY)

e2e: build ## the pages in a real Chromium, against the release binary
	@chromium="$$(scripts/setup-chromium.sh)"; node="$$(scripts/setup-node.sh)"; \
	PATH="$$node:$$PATH" CHROMIUM="$$chromium" end2end/run.sh $(ONLY)

clients: build ## official SDKs and edge cases over the wire, against the release binary
	@python="$$(scripts/setup-python.sh)"; PATH="$$(dirname "$$python"):$$PATH" PYTHON="$$python" end2end/clients.sh

fuzz: ## every parser of the wire, fed with anything for a minute each (one: make fuzz ONLY=chat_stream)
	@scripts/fuzz.sh $(ONLY)

test-agents: build ## Codex CLI and Claude Code through Farebox; not part of `make test` (fetches 800 MB once)
	@python="$$(scripts/setup-python.sh)"; agents="$$(scripts/setup-agents.sh)"; { read -r codex; read -r claude; } <<<"$$agents"; \
	PATH="$$(dirname "$$python"):$$PATH" PYTHON="$$python" KIT_CODEX="$$codex" KIT_CLAUDE="$$claude" end2end/agents.sh

# ---- other

bench: bundle ## what Farebox weighs: the shipping binary, its memory, its start, the bundle; how fast its ledger is
	@scripts/bench.sh

clean: ## remove all that was built or fetched (./data stays)
	rm -rf target .cache end2end/node_modules end2end/results
