# Every target sets up what it needs in .venv, from Python 3.11 or later, a C compiler and
# a package index. `make demo` and `make test` are all that a newcomer types.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# The build backend looks for meson and ninja on the path.
export PATH := $(abspath $(BIN)):$(PATH)
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# One worker per core; each has one thread (tests/conftest.py).
WORKERS = --numprocesses auto --maxprocesses 8

# How long `make fuzz` and `make soak` run.
FUZZ_RUNS ?= 1000000
MACHINE_RUNS ?= 10000
SOAK_SECONDS ?= 3600

# An environment with the oldest versions of the dependencies.
OLDEST ?= build/oldest

.PHONY: help demo test test-wheel exchange lint format bench check-benchmarks tables sanitize fuzz soak docs clean

help:
	@echo "make demo              run the example on real text"
	@echo "make test              run the test suite"
	@echo "make test-wheel        build a wheel and run the test suite on it"
	@echo "make exchange          load files of the oldest versions of the libraries, and back"
	@echo "make lint              run the linters"
	@echo "make format            format the sources"
	@echo "make bench             measure search speed, training speed and quality (hours)"
	@echo "make check-benchmarks  check that the benchmark scripts run"
	@echo "make tables            write the tables in docs/ from benchmarks/results/"
	@echo "make docs              build the site in build/site, and run what its pages show"
	@echo "make sanitize          run the tests of the core under sanitizers"
	@echo "make fuzz              fuzz the core, indexes and hashers (an hour)"
	@echo "make soak              run long sequences of calls of an index and hashers (an hour)"
	@echo "make clean             remove what the targets made"

# The editable install compiles the extensions and rebuilds them when a source changes.
# Without build isolation, so that the build uses the pinned tools.
$(VENV)/.built: pyproject.toml constraints.txt meson.build skhash/_hamming/meson.build skhash/shallow/meson.build
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

test: $(VENV)/.test
	$(BIN)/python -m pytest $(WORKERS) $(PYTEST_ARGS)

test-wheel: $(VENV)/.test
	.ci/test-wheel $(BIN)/python $(WORKERS) $(PYTEST_ARGS)

$(OLDEST)/.built: pyproject.toml $(VENV)/.built
	test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(BIN)/python .ci/oldest_versions.py > $(OLDEST)/versions.txt
	$(OLDEST)/bin/python -m pip install --quiet --constraint $(OLDEST)/versions.txt meson-python meson ninja Cython numpy
	touch $@

exchange: $(OLDEST)/.built
	$(OLDEST)/bin/python -m pip install --quiet --constraint $(OLDEST)/versions.txt --no-build-isolation --force-reinstall --no-deps .
	$(OLDEST)/bin/python -m pip install --quiet --constraint $(OLDEST)/versions.txt --no-build-isolation .
	rm -rf build/exchange
	$(BIN)/python .ci/exchange_files.py write build/exchange/newest
	$(OLDEST)/bin/python .ci/exchange_files.py read build/exchange/newest
	$(OLDEST)/bin/python .ci/exchange_files.py write build/exchange/oldest
	$(BIN)/python .ci/exchange_files.py read build/exchange/oldest

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/cython-lint skhash
	$(BIN)/codespell skhash tests benchmarks docs .ci *.md
	$(BIN)/mypy
	$(BIN)/python .ci/check_sources.py
	$(BIN)/python benchmarks/make_tables.py --check

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	$(BIN)/python benchmarks/bench_search.py --suite
	$(BIN)/python benchmarks/bench_training.py
	$(BIN)/python benchmarks/bench_quality.py

check-benchmarks: $(VENV)/.test
	$(BIN)/python -m pytest $(WORKERS) --override-ini pythonpath=benchmarks benchmarks/_lib/check.py $(PYTEST_ARGS)

tables: $(VENV)/.built
	$(BIN)/python benchmarks/make_tables.py

# Without a network: what was built once is built again only where a page changed.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -b html -W --keep-going docs build/site
	$(BIN)/python .ci/check_links.py build/site *.md
	OMP_NUM_THREADS=1 $(BIN)/python .ci/check_pages.py README.md docs/tutorial.md docs/guide/*.md

sanitize: $(VENV)/.test
	$(BIN)/python tests/_hamming/run_sanitized.py

# Needs Clang, for the coverage of the core; without it: FUZZ_ARGS=--random.
fuzz: $(VENV)/.test $(VENV)/.fuzz
	$(BIN)/python tests/fuzz/run_core.py --runs $(FUZZ_RUNS) $(FUZZ_ARGS)
	$(BIN)/python tests/fuzz/run_machines.py --runs $(MACHINE_RUNS)

soak: $(VENV)/.test
	$(BIN)/python tests/fuzz/run_soak.py --seconds $(SOAK_SECONDS)

clean:
	rm -rf $(VENV) build
