# Everything there is to type. A fresh machine needs Python 3.11+, a Rust toolchain and make; the rest is fetched into
# .venv, target and .cache, which `make clean` removes.
#
# One cargo profile and one target folder serve run, test and bench, so a fresh clone compiles its dependencies once. The
# bindings are left out of `cargo test`: they have no Rust tests, and maturin has just built them with settings of its
# own (PYO3_CONFIG_FILE) that cargo would take for a change. clippy, which must see them, is given the same.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODULE := python/scrubjay/_core.abi3.so
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find crates -name '*.rs' -o -name Cargo.toml)
RUST_TESTED := --workspace --exclude scrubjay-py
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1

.PHONY: help setup build run test test-rust test-python conformance-long loom sim lint format bench fuzz docs reference clean

help: ## Shows this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: $(VENV)/.installed ## Creates .venv with pinned tools.

$(VENV)/.installed: requirements-dev.txt
	@command -v cargo >/dev/null || { echo "scrubjay is built from source and needs a Rust toolchain (rustup.rs): cargo was not found" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "scrubjay needs Python 3.11 or newer: set PYTHON=/path/to/python3 (found $$($(PYTHON) --version))" >&2; exit 2; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --requirement requirements-dev.txt
	@touch $@

build: $(MODULE) ## Builds the package into .venv, release profile.

$(MODULE): $(VENV)/.installed $(SOURCES)
	@[ -d target ] || echo "building; the first time takes a few minutes"
	@$(BIN)/maturin develop --release --locked
	@touch $@

run: build ## Starts a node; pass flags with ARGS="--port 7000".
	@exec $(BIN)/scrubjay serve $(ARGS)

reference: ## Fetches redis-server and memcached, which tests and benchmarks compare with. Optional.
	@tools/fetch_reference.sh || echo "the comparisons with them will be skipped" >&2

test: build reference test-rust test-python ## Runs every test.

test-rust: build
	cargo test --release --locked --quiet $(RUST_TESTED)

test-python: build
	$(BIN)/python -m pytest

conformance-long: build reference ## Compares random commands with redis-server for long; pass SEQUENCES=10000.
	$(BIN)/python -m pytest tests/conformance/test_sequences.py --capture=no --sequences $${SEQUENCES:-2000}

loom: ## Tries the lock-free parts in every order of their threads; compiles apart, half a minute.
	RUSTFLAGS="--cfg loom" cargo test --release --locked --quiet --target-dir target/loom \
		-p scrubjay-metrics -p scrubjay-store --lib interleavings

sim: ## Runs the seeded model of replication until a promise breaks; FIRST=seed COUNT=n choose the runs.
	cargo run --release --locked --quiet -p scrubjay-sim -- $(or $(FIRST),0) $(or $(COUNT),0)

lint: build ## Checks style, types, layering and that generated files are fresh.
	cargo fmt --all --check
	PYO3_CONFIG_FILE=$$(ls $(CURDIR)/target/maturin/pyo3-config-*.txt) \
		cargo clippy --release --locked --quiet --workspace --all-targets -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest scrubjay._core --mypy-config-file pyproject.toml
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/generate.py --check

format: setup ## Formats Rust and Python.
	cargo fmt --all
	$(BIN)/ruff check --fix --quiet || true
	$(BIN)/ruff format

docs: build ## Writes what is generated: the reference pages and the sample configuration.
	$(BIN)/python tools/generate.py

bench: build reference ## Measures against redis-server and memcached; pass ARGS="--only get,set --markdown".
	@$(BIN)/python bench/run.py $(ARGS)

fuzz: ## Fuzzes the decoders, a minute each; pass FOR=600 for longer.
	@tools/fuzz.sh $(or $(FOR),60)

clean: ## Removes what was built and fetched.
	rm -rf $(VENV) target dist .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f python/scrubjay/*.so
