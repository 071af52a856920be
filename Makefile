# The commands of the house. `make demo` and `make test` are the two a newcomer needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WHEELS := wheels

.PHONY: help dev demo test bench bench-long fault fault-long fuzz check format lock wheels catalogue letter clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

dev: $(STAMP)  ## .venv with hash-locked dependencies and .venv/bin/gateway

$(STAMP): requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: dev  ## one sealed PDF from the city's Party office to 336 bodies, verified from outside
	$(BIN)/gateway demo --once

test: dev  ## every test
	$(BIN)/python -m pytest -n auto --dist loadgroup

bench: dev  ## documents a second between two gateways, beside the cryptography they cannot do without
	$(BIN)/python -m benchmarks

BENCH_LONG_OPTIONS ?=
bench-long: dev  ## half load, memory, an outage, a million finished documents: hours, 45 GB; BENCH_LONG_OPTIONS="--only backlog" (docs/PERFORMANCE.md)
	$(BIN)/python -m benchmarks.long $(BENCH_LONG_OPTIONS)

FAULT_OPTIONS ?=
fault: dev  ## the fault lab's quick set: kill -9, lost answers, full disks, planted bugs ...; FAULT_OPTIONS="--seed 1 --only F-01" (docs/TESTING.md)
	$(BIN)/python -m tests.kit.lab $(FAULT_OPTIONS)

fault-long: dev  ## its long set (hours); writes docs/FAULTS.md; FAULT_OPTIONS="--minutes 30 --only F-30"
	$(BIN)/python -m tests.kit.lab --long --page docs/FAULTS.md $(FAULT_OPTIONS)

FUZZ_SECONDS ?= 600
FUZZ_SEED ?= 1
FUZZ_TARGETS ?= edxml crypto cades trust evidence
fuzz: dev  ## readers and judges with files nobody thought of: FUZZ_SECONDS (600 for each), FUZZ_SEED, FUZZ_TARGETS (docs/TESTING.md)
	set -e; for target in $(FUZZ_TARGETS); do \
	  $(BIN)/python -m tests.kit.fuzz --target $$target --folder fuzz/$$target --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED); done

check: dev  ## ruff, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: dev  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheels: dev  ## folder `wheels`: all that an installation without internet needs (docs/OPERATIONS.md)
	rm -rf $(WHEELS)
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements.lock -d $(WHEELS)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w $(WHEELS) .
	cp requirements.lock $(WHEELS)/

catalogue: dev  ## compile the message catalogues (.po -> .mo)
	$(BIN)/pybabel compile --directory gateway/observe/locale --domain gateway

letter: dev  ## make the demo's letter again
	$(BIN)/python -m tests.kit.letter

lock: dev  ## resolve the dependencies again and write the hash locks (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --extra pkcs11 --extra postgres pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --extra pkcs11 --extra postgres --group dev pyproject.toml -o requirements-dev.lock

clean:  ## remove what the commands above made
	rm -rf $(VENV) wheels gateway-demo fault .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
