# The commands of the project. Only Python >= 3.11 with pip, git and make are needed: everything else is fetched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
LOCK := $(UV) pip compile --quiet --no-config --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run backup restore doctor import test check format lint types lock train soak bench screenshots clean

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: $(VENV)/run.stamp ## set up what is missing and open the console
	@$(BIN)/python app.py

backup: $(VENV)/run.stamp ## write one file of everything, also while the console runs; TO=file
	@$(BIN)/python -m services.operations backup $(TO)

restore: $(VENV)/run.stamp ## make an empty data folder the console of a backup; FROM=file
	@$(BIN)/python -m services.operations restore $(FROM)

doctor: $(VENV)/run.stamp ## check the installation, and say what to mend
	@$(BIN)/python -m services.operations doctor

import: $(VENV)/run.stamp ## look at an MLflow database; FROM=file, and OPTIONS=--take-over to copy it
	@$(BIN)/python -m services.operations import $(FROM) $(OPTIONS)

test: $(VENV)/dev.stamp ## set up what is missing and run all tests
	@$(BIN)/python -m pytest -n auto --dist loadfile

check: lint types test ## format, lint, types, tests

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy

format: $(VENV)/dev.stamp ## rewrite the code in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

train: $(VENV)/run.stamp ## walk the release train of the sample app as service calls
	@PYTHONPATH=. $(BIN)/python docs/release_train.py

soak: $(VENV)/dev.stamp ## let real processes work under load and trouble for 15 minutes; OPTIONS="--minutes 60 --seed 2"
	@$(BIN)/python -m bench.soak $(OPTIONS)

bench: $(VENV)/dev.stamp ## measure everything beside its peer in 15 minutes; OPTIONS="--size full --docs"
	@$(BIN)/python -m bench $(OPTIONS)

screenshots: $(VENV)/dev.stamp ## take the pictures of README and the guides anew (needs Chromium)
	@PYTHONPATH=. $(BIN)/python docs/screenshots.py

lock: $(VENV)/tool.stamp ## resolve the dependencies anew
	@$(LOCK) pyproject.toml --extra postgres --extra oidc --output-file requirements.lock
	@$(LOCK) pyproject.toml --extra postgres --extra oidc --extra databricks --extra frameworks --group dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(LOCK) pyproject.toml --extra postgres --extra databricks --constraint requirements-dev.lock --output-file requirements.txt

clean: ## forget the virtual environment; your data folder stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(VENV)/tool.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"Signalbox needs Python 3.11 or newer, this is %d.%d. Try: make PYTHON=python3.12 run" % sys.version_info[:2])'
	@echo "Setting up .venv ..."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

# The development lock holds the running one: a set-up for tests is never taken back by `make run`.
$(VENV)/run.stamp: requirements.lock | $(VENV)/tool.stamp
	@$(UV) pip install --quiet --no-config --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock | $(VENV)/tool.stamp
	@$(UV) pip install --quiet --no-config --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $(VENV)/run.stamp $@
