# Everything a developer, an operator trying things out, or CI does with this project. `make help` explains the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
PYTEST_ARGS ?=
FILE ?=
BENCH_ARGS ?=
BASE ?=
TAG ?= pierhead
MUTANTS_ARGS ?= app/policy app/auth app/cache

# Hundreds of processes of the tests load the same modules: the first keeps what it compiles, whatever the machine prefers.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PROVIDER := .run/provider
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
UV := $(BIN)/uv --quiet
# Args: the environment's Python, the lock or `LOCK -r LOCK`. uv takes an eighth of pip's processor time. It does not read pip's settings: where these alone lead to
# a package index, pip does it.
INSTALL_LOCK = $(UV) pip install --python $(1) --no-deps --require-hashes -r $(2) || $(PIP) --python $(1) install --no-deps --require-hashes -r $(2)
LOCK := $(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

.PHONY: help
help: ## Show what each target does
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.runtime-installed ## Make .venv with what the server needs; .venv/bin/pierhead works afterwards

.PHONY: run
run: setup ## Serve the sample tree (or PIERHEAD_STORAGE) on HOST:PORT, 127.0.0.1:8000 by default
	@exec $(BIN)/python -m scripts.serve_sample --host "$(HOST)" --port "$(PORT)"

.PHONY: quick
quick: $(VENV)/.dev-installed ## Run the unit and contract tests, about three minutes
	$(BIN)/pytest tests/unit tests/contract -n 3 --dist worksteal -q $(PYTEST_ARGS)

.PHONY: test
ifdef FILE
test: $(VENV)/.dev-installed
	$(BIN)/pytest $(FILE) $(PYTEST_ARGS)
else
test: $(VENV)/.dev-installed ## Run the tests that need nothing but Python, about six minutes (FILE=tests/... for some of them)
	$(BIN)/pytest tests/unit tests/contract tests/http -n 3 --dist worksteal $(PYTEST_ARGS)
endif

.PHONY: coverage
coverage: ## Run what `make test` runs, and show which lines of the server no test reaches
	$(MAKE) test PYTEST_ARGS="--cov --cov-report=term $(PYTEST_ARGS)"

.PHONY: test-system
test-system: $(VENV)/.system-installed $(PROVIDER)/.installed ## Run the tests with real clients, browser, S3 engine and image, about ten minutes (installs Debian packages)
	scripts/install-system-packages
	$(BIN)/pytest tests/clients tests/browser tests/system -n 5 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: soak
soak: $(VENV)/.system-installed ## Ten minutes of mixed load on 2 CPUs and 2 GiB, half a million files through a small cache, then 100,000 TLS handshakes at the server and at nginx (twenty minutes on two idle cores; over an hour on a busy machine)
	scripts/install-system-packages
	PIERHEAD_LOAD_SECONDS=600 $(BIN)/pytest -s tests/system/test_small_machine.py $(PYTEST_ARGS)
	PIERHEAD_BROWSED_GROUPS=50 $(BIN)/pytest -s tests/system/test_cache_memory.py $(PYTEST_ARGS)
	PIERHEAD_HANDSHAKES=100000 $(BIN)/pytest tests/system/test_handshakes.py --timeout 7200 $(PYTEST_ARGS)

.PHONY: engine-table
engine-table: $(VENV)/.system-installed ## Write the table of S3 engines in docs/operations.md anew (as test-system, installs packages)
	scripts/install-system-packages
	$(BIN)/pytest tests/system/test_engines.py --write-tables $(PYTEST_ARGS)

.PHONY: fault-table
fault-table: $(VENV)/.system-installed ## Write the table of network faults in docs/operations.md anew (as test-system, installs packages)
	scripts/install-system-packages
	$(BIN)/pytest tests/system/test_network_faults.py --write-tables $(PYTEST_ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.dev-installed ## Make the pictures in docs/images anew (needs Debian's chromium)
	$(BIN)/python -m scripts.make_screenshots

.PHONY: wheel
wheel: setup ## Build the wheel of the server in dist/
	$(PIP) wheel --no-index --no-deps --no-build-isolation --wheel-dir dist .

.PHONY: sbom
sbom: $(VENV)/.dev-installed ## Write what the image has in it, as CycloneDX, to dist/pierhead.cdx.json
	mkdir -p dist
	$(BIN)/python -m scripts.sbom > dist/pierhead.cdx.json

.PHONY: image
image: ## Build the image of a release for x86-64 and aarch64 (BASE=NAME@sha256:DIGEST TAG=...; needs podman)
	scripts/build-image "$(BASE)" "$(TAG)"

.PHONY: mutants
mutants: $(VENV)/.dev-installed ## Change the code in small ways and see whether tests notice (MUTANTS_ARGS="app/auth --sample 20")
	$(BIN)/python -m scripts.mutants $(MUTANTS_ARGS)

.PHONY: bench
bench: $(VENV)/.dev-installed ## Measure the server beside its peers, half an hour (BENCH_ARGS=--quick; installs Debian packages)
	PYTHON="$(PYTHON)" scripts/install-bench-packages
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

.PHONY: check
check: $(VENV)/.dev-installed ## Check format, lint, types and the import contract; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/.dev-installed ## Format the code and apply the linter's safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: $(VENV)/.dev-installed ## Bring requirements/*.txt in line with pyproject.toml (LOCK_ARGS=--upgrade for newer versions)
	$(LOCK) $(LOCK_ARGS) pyproject.toml --extra all --output-file requirements/runtime.txt
	$(LOCK) $(LOCK_ARGS) requirements/build.in --constraint requirements/runtime.txt --output-file requirements/build.txt
	$(LOCK) $(LOCK_ARGS) requirements/provider.in --output-file requirements/provider.txt
	$(LOCK) $(LOCK_ARGS) pyproject.toml --extra all --extra dev --constraint requirements/runtime.txt --constraint requirements/build.txt \
	  --output-file requirements/dev.txt
	$(LOCK) $(LOCK_ARGS) requirements/system.in --constraint requirements/dev.txt --output-file requirements/system.txt

.PHONY: clean
clean: ## Remove the environment, the sample tree and everything else that can be made again
	rm -rf $(VENV) .run build dist .coverage .coverage.* .hypothesis .schemathesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: an environment is touched again only when what it is made from has changed.

$(BIN)/pip:
	@scripts/check-python "$(PYTHON)"
	"$(PYTHON)" -m venv --clear $(VENV)

$(VENV)/.runtime-installed: requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/pip
	$(PIP) install --no-deps --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# It has all that the runtime is, without the half minute of a processor in which pip reads the pages of an index.
$(VENV)/.dev-installed: requirements/dev.txt requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/pip
	$(PIP) install --no-deps --require-hashes -r <(sed -n '/^uv==/,/^    # via/p' requirements/dev.txt)
	$(call INSTALL_LOCK,$(BIN)/python,requirements/build.txt -r requirements/dev.txt)
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.runtime-installed $@

$(VENV)/.system-installed: requirements/system.txt $(VENV)/.dev-installed
	$(call INSTALL_LOCK,$(BIN)/python,requirements/system.txt)
	@touch $@

# In an environment of its own: it needs other versions of what the server needs.
$(PROVIDER)/.installed: requirements/provider.txt $(VENV)/.dev-installed
	$(UV) venv --clear --python "$(PYTHON)" $(PROVIDER)
	$(call INSTALL_LOCK,$(PROVIDER)/bin/python,requirements/provider.txt)
	@touch $@
