# make app    starts the app (PORT=8501)        make test   runs every test
# make check  lint, format, types and tests     make lock   pins requirements.txt again
# make fuzz   reads changed files (MINUTES=10)
PYTHON ?= python3
PORT ?= 8501
# This machine alone. HOST=0.0.0.0 lets everybody in who can reach it.
HOST ?= 127.0.0.1
BIN := .venv/bin

.PHONY: app test check lint lock benchmarks fuzz

app: .venv/app
	@case "$(HOST)" in 127.*|localhost|::1) ;; *) \
	  echo "Anybody who can reach $(HOST):$(PORT) can use this app, its data and this machine's processors." >&2; \
	  echo "For visitors whom you don't know set GENRE_ENGINE_HOSTED=1 and read docs/deploy.md." >&2;; esac
	$(BIN)/streamlit run streamlit_app.py --server.address $(HOST) --server.port $(PORT)

# Files of tests on all cores at once, the longest first (tests/conftest.py has their order), then, by
# themselves, those that drive browsers and processes. Coverage counts what runs in the tests' own
# processes; workers, commands and browsers' servers run in others.
PARALLEL := --numprocesses logical --dist loadfile --no-loadscope-reorder
DRIVING := tests/e2e tests/jobs

test: .venv/dev
	$(BIN)/pytest $(PARALLEL) --cov $(DRIVING:%=--ignore=%)
	$(BIN)/pytest $(PARALLEL) $(DRIVING)

check: lint test

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The stamps are written last, so that an installation that was cut off is done again.
.venv/app: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

.venv/dev: requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@ .venv/app

# For Python 3.11 to 3.13 and every platform: versions that differ carry markers.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --upgrade
lock:
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) --extra cluster --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt

# Files that were changed at random, for so many minutes; each is read or refused in words.
MINUTES ?= 10
fuzz: .venv/dev
	$(BIN)/python -m tests.fuzz $(MINUTES)

# The speeds and sizes that the project promises; each prints a table and the same as JSON.
benchmarks: .venv/dev
	for file in benchmarks/[a-z]*.py; do $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done
