# Every target sets up what it needs, in .venv, from Python 3.11+, a C compiler and a
# package index. `make demo` and `make test` are all that a newcomer types.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# The build backend looks for meson and ninja on the path.
export PATH := $(abspath $(BIN)):$(PATH)
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: help demo test lint format bench sanitize clean

help:
	@echo "make demo    set up and run the main job on real text"
	@echo "make test    set up and run the whole test suite"
	@echo "make lint    set up and run the linters"
	@echo "make format  format the sources"
	@echo "make bench   search speed, training speed and retrieval quality tables"
	@echo "make sanitize  the search tests under address and undefined-behavior sanitizers"
	@echo "make clean   remove what the targets made"

# The editable install compiles the extension and rebuilds it when a source changes;
# without build isolation, so that the build sees the pinned tools.
$(VENV)/.built: pyproject.toml constraints.txt meson.build skhash/_hamming/meson.build
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "scikit-hash needs Python 3.11 or later; call make with PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV): the packages are large, this takes a minute or two ..."
	$(PIP) meson-python meson ninja Cython numpy
	$(PIP) --no-build-isolation --editable .
	touch $@

$(VENV)/.%: $(VENV)/.built
	$(PIP) --no-build-isolation --editable '.[$*]'
	touch $@

demo: $(VENV)/.demo
	$(BIN)/python docs/examples/find_similar_diagnoses.py

# As many workers as cores, each with one thread (tests/conftest.py).
test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 $(PYTEST_ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/cython-lint skhash
	$(BIN)/codespell skhash tests benchmarks docs README.md CHANGELOG.md CONTRIBUTING.md
	$(BIN)/mypy

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	$(BIN)/python benchmarks/search_speed.py --suite
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/retrieval_quality.py

sanitize: $(VENV)/.test
	$(BIN)/python tests/_hamming/run_sanitized.py

clean:
	rm -rf $(VENV) build
