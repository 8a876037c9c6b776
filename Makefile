# Everything sets itself up in .venv: only Python >= 3.10, make and git are needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help venv demo test test-fast check goldens clean

help:
	@echo "make demo     a stopped launch, its remedy typed, the passing launch and its report"
	@echo "make test     all tests; make test-fast: without those that build and install the project"
	@echo "make check    ruff, mypy --strict, import contracts, size budget"
	@echo "make goldens  rewrite the golden files of the tests; read the diff"
	@echo "make venv     only set up $(VENV), as every target does when it is missing or pyproject.toml has changed"
	@echo "make clean    remove what the other targets made"

venv: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" "setuptools>=77"
	$(BIN)/python -m pip install --quiet --editable . --group test --group lint
	touch $(STAMP)

demo: $(STAMP)
	@sh examples/demo.sh $(abspath $(BIN))/python

test: $(STAMP)
	$(BIN)/python -m pytest

test-fast: $(STAMP)
	$(BIN)/python -m pytest -m "not packaging"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_tree.py

goldens: $(STAMP)
	UPDATE_GOLDENS=1 $(BIN)/python -m pytest tests/formats

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
