# Every target sets up what it needs; a second run is quick. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
DEPS := $(VENV)/.deps
READY := $(VENV)/.ready
SOURCES := $(wildcard vaultlike plugins tests examples)
WORKERS ?= 2
PYTEST_ARGS ?=

# The lock names versions and hashes, never an index: that is the machine's own affair.
COMPILE := $(VENV)/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

.PHONY: help setup test lint format types imports unit demo docs bench lock clean example-go compat-hvac \
	example-infisical-python example-infisical-node example-infisical-go compat-terraform

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-17s %s\n", $$1, $$2}'

setup: $(READY)  ## the virtual environment, exactly as locked

# A base interpreter is looked for only when there is no environment yet; PYTHON=... names one.
$(PY):
	@for candidate in $${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "creating $(VENV) with $$("$$candidate" --version)"; \
			exec "$$candidate" -m venv $(VENV); \
		fi; \
	done; \
	echo "Python 3.11 or newer is needed and was not found; install it or run: make setup PYTHON=/path/to/python3" >&2; \
	exit 1

$(DEPS): requirements-dev.lock | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(READY): $(DEPS) pyproject.toml
	PYTHONWARNINGS=ignore $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

test: lint types imports unit  ## everything a change must pass

lint: $(READY)  ## ruff: rules and formatting
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/ruff format --check $(SOURCES)

format: $(READY)  ## let ruff rewrite what it can
	$(VENV)/bin/ruff check --fix $(SOURCES)
	$(VENV)/bin/ruff format $(SOURCES)

types: $(READY)  ## mypy, strict
	$(VENV)/bin/mypy vaultlike $(if $(wildcard plugins/*/*.py),plugins)

imports: $(READY)  ## which module may import which
	PYTHONPATH=.:plugins $(VENV)/bin/lint-imports

unit: $(READY)  ## pytest; PYTEST_ARGS="-k name", WORKERS=0 for one process
	$(PY) -m pytest -n $(WORKERS) $(PYTEST_ARGS)

demo: $(READY)  ## a server, an emulated cloud and a login, explained on the way
	$(PY) -m vaultlike.testing.demo

docs: $(READY)  ## the pages that are made from declarations: docs/api and docs/cli.md
	$(PY) -m vaultlike.testing.apidocs docs/api
	$(PY) -m vaultlike.cli.reference > docs/cli.md

bench: $(READY)  ## throughput and latency on this machine
	$(PY) -m tests.bench

example-go: $(READY)  ## the Go client against a server of ours
	@command -v go >/dev/null || { echo "go is needed for this example" >&2; exit 1; }
	$(MAKE) -C examples/go_azure_login run PYTHON=$(abspath $(PY))

example-infisical-python: $(READY)  ## Infisical's Python SDK against a server of ours
	$(MAKE) -C examples/infisical_python run PYTHON=$(abspath $(PY))

example-infisical-node: $(READY)  ## Infisical's Node SDK against a server of ours
	@command -v npm >/dev/null || { echo "node and npm are needed for this example" >&2; exit 1; }
	$(MAKE) -C examples/infisical_node run PYTHON=$(abspath $(PY))

example-infisical-go: $(READY)  ## Infisical's Go SDK against a server of ours
	@command -v go >/dev/null || { echo "go is needed for this example" >&2; exit 1; }
	$(MAKE) -C examples/infisical_go run PYTHON=$(abspath $(PY))

compat-hvac: $(READY)  ## hvac's own tests against a server of ours; HVAC_REPO names a clone of hvac/hvac
	@test -n "$${HVAC_REPO:-}" || { echo "set HVAC_REPO to a clone of hvac/hvac" >&2; exit 1; }
	HVAC_PYTHON=$(abspath $(PY)) tests/compat/hvac.sh "$(abspath $(PY)) -m vaultlike"

compat-terraform: $(READY)  ## Terraform against servers of ours; VAULT_TERRAFORM_PROVIDER names a binary of the provider
	@command -v terraform >/dev/null || { echo "terraform is needed" >&2; exit 1; }
	VAULT_TERRAFORM_PROVIDER="$${VAULT_TERRAFORM_PROVIDER:-registry}" $(PY) -m pytest tests/compat/test_terraform.py $(PYTEST_ARGS)

lock: $(DEPS)  ## resolve the dependencies again
	$(COMPILE) --upgrade --output-file requirements.lock pyproject.toml
	$(COMPILE) --upgrade --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean:  ## everything that can be made again
	rm -rf $(VENV) .build build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
