# Every target sets up .venv by itself, once, and again only when pyproject.toml changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup run test bench check format demo-model evaluate measure screenshots clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "phi3v-tui needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

run: $(STAMP)
	@$(BIN)/phi3v-tui $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

bench: $(STAMP)
	@$(BIN)/phi3v-tui bench $(ARGS)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo-model: $(STAMP)
	$(BIN)/python -m phi3v_tui.demo.train $(ARGS)

evaluate: $(STAMP)
	$(BIN)/python -m phi3v_tui.demo.evaluate $(ARGS)

measure: $(STAMP)
	$(BIN)/python -m scripts.measure_terminal $(ARGS)

screenshots: $(STAMP)
	$(BIN)/python -m phi3v_tui.demo.screenshots assets

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
