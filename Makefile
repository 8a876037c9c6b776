# Everything sets itself up in .venv: only Python >= 3.10, make and git are needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One more than there are processors: most tests start processes and wait for them.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# Tests start a thousand processes; without cached bytecode each compiles the project again. What is never imported need not be compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv demo corpus test test-fast test-extended test-browser screenshots test-hydra-suites matrix benchmark-launch test-torch benchmark benchmark-fitting check goldens docs clean

help:
	@echo "make demo       a stopped launch, its remedy typed, the passing launch and its report"
	@echo "make corpus     25 real configs of public repos: what is said about each, and whether it is true"
	@echo "make test       all tests; make test-fast: without those that build and install the project"
	@echo "make test-extended    hostile repos one by one, the GitHub Action, the example's training, launches of the corpus"
	@echo "make test-browser        reports in headless Chromium (needs chromium and chromedriver)"
	@echo "make test-hydra-suites   Hydra's own tests of launchers and sweepers, with the guard in front"
	@echo "make matrix     the tests of launches on every Python and hydra-core that can be installed here"
	@echo "make test-torch counts against transformers' models, built here (installs torch and transformers)"
	@echo "make benchmark  how fast counting is, beside the ways of others (installs them)"
	@echo "make benchmark-fitting   the fit of a law, beside the published procedure (installs scipy and chinchilla)"
	@echo "make benchmark-launch    what a check costs a launch and a sweep, beside the same without it"
	@echo "make check      ruff, mypy --strict, import contracts, size budget"
	@echo "make goldens    rewrite the golden files of the tests; read the diff"
	@echo "make docs       rewrite the pages that are generated from the code, and build the site: build/docs/index.html"
	@echo "make venv       only set up $(VENV), as every target does when it is missing or pyproject.toml has changed"
	@echo "make clean      remove what the other targets made"

venv: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --upgrade "pip>=25.1" "setuptools>=77"
	$(BIN)/python -m pip install --quiet --no-compile --editable . --group test --group lint
	touch $(STAMP)

demo: $(STAMP)
	@sh examples/demo.sh $(abspath $(BIN))/python

corpus: $(STAMP)
	@$(BIN)/python -W ignore tests/corpus/corpus.py

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile -m "not hydra_suites and not extended and not browser"

test-extended: $(STAMP)
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/python -m pytest --numprocesses $(WORKERS) -m extended

test-browser: $(STAMP)
	$(BIN)/python -m pip install --quiet --group browser
	SCALECHECK_BROWSER=required $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile -m browser $(if $(BROWSER_ONLY),-k "$(BROWSER_ONLY)") tests/browser

screenshots: $(STAMP)
	$(BIN)/python -m pip install --quiet --group browser
	$(BIN)/python docs/generate_screenshots.py

test-hydra-suites: $(STAMP)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) -m hydra_suites tests/launchers

test-fast: $(STAMP)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile -m "not packaging and not hydra_suites and not extended and not browser"

matrix:
	$(PYTHON) tests/matrix.py

benchmark-launch: $(STAMP)
	$(BIN)/python benchmarks/launch.py
	$(BIN)/python benchmarks/sweep.py

test-torch: $(STAMP)
	$(BIN)/python -m pip install --quiet --group torch
	$(BIN)/python -m pytest --override-ini "addopts=-q --strict-markers --strict-config --import-mode=importlib" tests/torch

benchmark: $(STAMP)
	$(BIN)/python -m pip install --quiet --group torch --group peers
	$(BIN)/python benchmarks/counting.py

benchmark-fitting: $(STAMP)
	$(BIN)/python -m pip install --quiet --group fit-peers
	$(BIN)/python benchmarks/fitting.py

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_tree.py

goldens: $(STAMP)
	UPDATE_GOLDENS=1 $(BIN)/python -m pytest tests/formats

docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/python docs/generate_accounting.py
	$(BIN)/python docs/generate_reading.py
	$(BIN)/python docs/generate_laws.py
	$(BIN)/python docs/generate_rules.py
	$(BIN)/python docs/generate_schema.py
	$(BIN)/python docs/generate_reference.py
	$(BIN)/python docs/generate_readme.py
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --doctree-dir build/doctrees docs build/docs
	@echo "build/docs/index.html"

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
