# make app    starts the app (PORT=8501)        make test   runs every test
# make check  lint, format, types and tests     make lock   pins requirements.txt again
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin

.PHONY: app test check lint lock benchmarks

app: .venv/app
	$(BIN)/streamlit run streamlit_app.py --server.port $(PORT)

# Files of tests on all cores at once, the longest first (tests/conftest.py has their order). Then, by
# themselves, those that drive browsers and processes. On a shared machine either can be starved or
# die without anything being wrong, so one of these that fails gets a second try, which is reported.
PARALLEL := --numprocesses logical --dist loadfile --no-loadscope-reorder
DRIVING := tests/e2e tests/jobs

test: .venv/dev
	$(BIN)/pytest $(PARALLEL) $(DRIVING:%=--ignore=%)
	$(BIN)/pytest $(PARALLEL) --reruns 1 -rR $(DRIVING)

check: lint test

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The stamps are written last, so that an installation that was cut off is done again.
.venv/app: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/dev: requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ .venv/app

# One file for Python 3.11 to 3.13 and every platform: versions that differ carry markers.
lock:
	uv pip compile --universal --python-version 3.11 --no-header --no-annotate --upgrade pyproject.toml -o requirements.txt

# The speeds and sizes that the project promises; each prints a table and the same as JSON.
benchmarks: .venv/dev
	for file in benchmarks/[a-z]*.py; do $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done
