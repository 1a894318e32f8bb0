# `make` lists the targets. Choose the Python with PYTHON=, the environment with VENV=,
# the tests with TESTS= and MARKS=.
PYTHON ?= python3
VENV ?= .venv
MARKS ?= not network
TESTS ?= tests
PYTEST_ARGS ?=
# What tests of networks need, on top of the extra `dev`; TORCH= leaves it out.
TORCH ?= torch==2.13.0 neuralhydrology==1.13.0

BIN := $(VENV)/bin
RUN := PATH="$(abspath $(BIN)):$$PATH" $(abspath $(BIN))/python -m
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# uv installs in seconds where pip takes a minute or more; without it pip does.
UV := $(shell command -v uv 2>/dev/null)
PIP := $(if $(UV),$(UV) pip install --python $(BIN)/python,$(BIN)/python -m pip install) \
	--constraint constraints.txt
SOURCES := src/somobench catalog pipelines schemas releases

# Every start of Python would compile all that it imports where this is set.
unexport PYTHONDONTWRITEBYTECODE

# Processes of tests share the cores: threads within them would wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help bench release test test-fast lint format types golden params dev wheel constraints clean \
	distclean check-python

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

release: $(VENV)/.build-$(VERSION)  ## build and publish the release that Git commits, from raw data up
	$(RUN) dvc repro
	$(RUN) somobench.pipelines.release.publish
	@$(RUN) somobench.catalog.generate releases/virtual-*
	@echo "to use it in this shell: . $(BIN)/activate    (or call $(BIN)/somobench)"

test: $(VENV)/.dev-$(VERSION)  ## run every test that needs no network
	$(ONE_THREAD) $(RUN) pytest -m "$(MARKS)" -n auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS) $(TESTS)

test-fast: $(VENV)/.dev-$(VERSION)  ## run the tests that take no longer than a moment
	$(ONE_THREAD) $(RUN) pytest -m "not network and not slow and not heavy" -n auto --dist loadfile $(PYTEST_ARGS)

bench: $(VENV)/.dev-$(VERSION)  ## time hot paths against others, and write docs/performance.md
	$(BIN)/python benchmarks/harness.py

lint: $(VENV)/.dev-$(VERSION)  ## check style and format
	$(RUN) ruff check .
	$(RUN) ruff format --check .

format: $(VENV)/.dev-$(VERSION)  ## correct style and format
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

# mypy knows no package-dir mapping: it gets the packages as one tree of links.
types: $(VENV)/.dev-$(VERSION)  ## check types
	rm -rf build/types
	mkdir -p build/types/somobench
	ln -s $(CURDIR)/src/somobench/* $(addprefix $(CURDIR)/,$(filter-out src/%,$(SOURCES))) build/types/somobench/
	MYPYPATH=build/types $(RUN) mypy --package somobench

golden: $(VENV)/.dev-$(VERSION)  ## write the golden files, for review in the diff
	SOMOBENCH_GOLDEN=write $(RUN) pytest -q tests/system/test_golden.py
	git --no-pager diff --stat -- tests/golden

params: $(VENV)/.build-$(VERSION)  ## compose params.yaml from conf/
	$(RUN) somobench.pipelines.tools.compose_params

dev: $(VENV)/.dev-$(VERSION)  ## install for editors and type checkers; repeat after adding a file
	$(PIP) --no-deps --editable . --config-settings editable_mode=strict

wheel: $(VENV)/.dev-$(VERSION)  ## build the sdist, and the wheel from it
	rm -rf dist
	$(RUN) build --outdir dist .

constraints:  ## write constraints.txt from the newest versions that fit PYTHON
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet '.[dev]' $(TORCH)
	(sed -n '/^#/p' constraints.txt; build/constraints/bin/python -m pip freeze --all \
		| grep -v -E '^(pip|somobench)\b' | sed 's/+cpu$$//' | LC_ALL=C sort -f) > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean:  ## remove what tools and builds left; keep environment, data and DVC's cache
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(SOURCES) tests -name __pycache__ -prune -exec rm -rf {} +

distclean: clean  ## remove the environment and the stages' outputs too
	rm -rf $(VENV) data

$(VENV)/.build-$(VERSION): pyproject.toml constraints.txt | check-python
	@echo "installing what a build needs into $(VENV): some 130 packages, a minute or two;"
	@echo "then the stages run, a few minutes where none of them is in the cache of DVC"
	@$(BIN)/python -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(VERSION)")' \
		2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) --editable '.[build]'
	touch $@

$(VENV)/.dev-$(VERSION): $(VENV)/.build-$(VERSION)
	@echo "installing what development needs into $(VENV)"
	$(PIP) --editable '.[dev]'
# By pip, whatever installed the rest: its configuration may know a place that has
# PyTorch for the processor alone, a tenth of the size.
	$(if $(strip $(TORCH)),$(BIN)/python -m pip install --no-compile --constraint constraints.txt $(TORCH))
	touch $@

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "SoMoBench needs Python 3.11 or newer; $(PYTHON) is $(or $(VERSION),not there)." >&2; \
		echo "Name another one, for example: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; \
		exit 1; }
