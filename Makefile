# Two commands matter: `make demo` and `make test`. Both install what they need into .venv first.
PYTHON ?= python3
# More options for pip, e.g. PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu" for a torch without CUDA.
PIP_FLAGS ?=
# How the suite is shared out: a process a core, the tests of a file together for as long as both have work.
PYTEST_FLAGS ?= --numprocesses=auto --maxprocesses=8 --dist=worksteal
BIN := .venv/bin
PACKAGES := sr_core sr_plugins_interp sr_plugins_cnn sr_plugins_losses sr_plugins_gan
PROJECTS := pyproject.toml $(PACKAGES:%=%/pyproject.toml)

.PHONY: demo test test-fast lint format clean

demo: .venv/demo.stamp
	$(BIN)/srkit run specs/quickstart.yaml

# Processes that wait for each other are tested by themselves, when nothing else takes their time.
ALONE := tests/cli/test_several_processes.py

test: .venv/develop.stamp
	$(BIN)/pytest $(PYTEST_FLAGS) --ignore=$(ALONE) --cov --cov-report=
	$(BIN)/pytest $(ALONE) --cov --cov-append --cov-report=term

test-fast: .venv/develop.stamp
	$(BIN)/pytest $(PYTEST_FLAGS) --ignore=$(ALONE) -m "not slow"

lint: .venv/develop.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/develop.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

.venv/pip.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "srkit needs Python 3.11 or later; set PYTHON=…")'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/demo.stamp: .venv/pip.stamp constraints.txt $(PROJECTS)
	@echo "Installing srkit into .venv (PyTorch is large; this takes a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --constraint constraints.txt \
		$(PACKAGES:%=--editable ./%) --editable '.[samples]'
	@touch $@

.venv/develop.stamp: .venv/demo.stamp
	@echo "Installing the development tools into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --constraint constraints.txt \
		$(PACKAGES:%=--editable ./%) --editable '.[dev]'
	@touch $@
