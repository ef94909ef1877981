# Everything a contributor runs. Needs git, make and python3 with venv; the rest is installed into .venv.
.DEFAULT_GOAL := help
.PHONY: help docs demo up-distributed down-distributed test test-long machine faults check lint types arch fmt protos protos-check protos-baseline lock bench examples examples-check clean

BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet
LOCKED := .venv/.locked
READY := .venv/.ready
BASELINE := protos/baseline.binpb.gz
# Many tests wait for something: four of them keep two processors busy. Some take a minute: they are
# handed on to whoever is free.
PYTEST_FLAGS ?= -n $(shell expr $$(nproc) \* 2) --dist worksteal

help:  ## Show this list
	@grep -hE '^[.a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

# --- Environment ------------------------------------------------------------------------------------

.venv: $(READY)  ## Install exactly what requirements.lock names into .venv

$(LOCKED): requirements.lock
	python3 -m venv --clear .venv
	$(PIP) --require-hashes --requirement requirements.lock && touch $@

$(READY): $(LOCKED) pyproject.toml client/pyproject.toml
	$(PIP) --no-deps --no-build-isolation --editable . --editable client && touch $@

docs: $(READY)  ## Render the pages that are made from the code
	PYTHONPATH=. $(BIN)/python docs/render_state_machines.py
	PYTHONPATH=. $(BIN)/python docs/render_api.py
	PYTHONPATH=. $(BIN)/python protos/render_service_config.py

lock: $(READY)  ## Choose the newest allowed versions and write requirements.lock
	$(BIN)/uv pip compile pyproject.toml client/pyproject.toml --group pyproject.toml:dev --upgrade --quiet \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --no-emit-package fbali --output-file requirements.lock

# --- Run --------------------------------------------------------------------------------------------

demo: $(READY)  ## Run the whole system with sample orders
	$(BIN)/fbali-server demo

up-distributed: $(READY)  ## Start PostgreSQL, Redis, 2 api, 2 worker and 1 scheduler on this machine
	$(BIN)/python -m tests.services.distributed up

down-distributed: $(READY)  ## Stop them and remove their data
	$(BIN)/python -m tests.services.distributed down

bench: $(READY)  ## Measure the speed of the hot paths
	$(BIN)/python -m benchmarks

examples: $(READY)  ## Build the example programs in Go, Java and TypeScript
	$(MAKE) --no-print-directory -C examples all

examples-check: $(READY)  ## Build them and run their own tests
	$(MAKE) --no-print-directory -C examples -j 3 --output-sync check

# --- Check ------------------------------------------------------------------------------------------

test: $(READY)  ## Run all tests (PYTEST_FLAGS="-k word" for some of them)
	$(BIN)/pytest $(PYTEST_FLAGS)

test-long: $(READY)  ## Run the tests that `make test` leaves out, for half an hour
	$(BIN)/pytest $(PYTEST_FLAGS) -m long

machine: $(READY)  ## Play orders at random for a long time, on both databases
	FBALI_MACHINE_EXAMPLES=500 FBALI_MACHINE_STEPS=50 $(BIN)/pytest -n 2 --timeout 3600 tests/functional/test_order_machine.py

faults: $(READY)  ## Kill, cut off, lock and flood everything for up to an hour; print one table
	timeout --kill-after=60 3600 $(BIN)/python -m tests.faults.scenarios $(SCENARIOS)

check: lint types arch  ## Run every check that is not a test

lint: $(READY)  ## Check style and format of Python and protos
	$(BIN)/ruff check && $(BIN)/ruff format --check
	$(BIN)/buf lint && $(BIN)/buf format --diff --exit-code protos
	$(BIN)/buf breaking protos --against $(BASELINE)

types: $(READY)  ## Check types
	$(BIN)/mypy

arch: $(READY)  ## Check which room may import which
	$(BIN)/lint-imports

fmt: $(READY)  ## Rewrite Python and protos in the house format
	$(BIN)/ruff check --fix-only --quiet && $(BIN)/ruff format
	$(BIN)/buf format --write protos

# --- Generated code ---------------------------------------------------------------------------------

protos: $(READY)  ## Generate the Python stubs from protos/ into client/src
	$(BIN)/python protos/generate.py

protos-check: $(READY)  ## Fail if the committed stubs are not those of protos/
	$(BIN)/python protos/generate.py --check

protos-baseline: $(READY)  ## At a release: keep the contract as what later changes may not break
	$(BIN)/buf breaking protos --against $(BASELINE)
	$(BIN)/buf build protos --exclude-source-info --output $(BASELINE)

clean:  ## Remove the environment, caches and build results
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build client/dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
