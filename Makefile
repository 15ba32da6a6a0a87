PYTHON ?= python3
BIN := .venv/bin
.PHONY: run test check bench

run: .venv/installed  ## the benchmark on the built-in photographs, and its report
	$(BIN)/topfive run -o reports/photos

test: .venv/installed  ## every test; nothing from the network
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/installed  ## what a change must pass before it lands
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Memory is kept for the next array, as in the runs themselves (benchmark/running/isolation.py).
bench: export MALLOC_MMAP_THRESHOLD_ = 1073741824
bench: export MALLOC_TRIM_THRESHOLD_ = 4294967296
bench: .venv/installed  ## ours against named peers; prints ratios, never fails a build
	$(BIN)/python -m pytest tests/speed -q -s --import-mode=importlib

.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "topfive needs Python 3.11 or newer: make PYTHON=python3.12"'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt -e '.[test,cluster]'
	touch $@
