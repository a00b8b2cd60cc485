# Every target sets up .venv by itself.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: audit test check bench results docs

audit: .venv/ready
	$(BIN)/python cli.py audit --attack lowkey --adversary adaptive

# A process a core, each with one thread: most tests are too small to share out.
test: .venv/ready
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist loadscope

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/contracts/test_imports_run_one_way.py

bench: .venv/ready
	$(BIN)/pytest -m slow
	$(BIN)/python -m benchmarks.recognition --busy
	$(BIN)/python -m benchmarks.cloaking --busy
	$(BIN)/python -m benchmarks.zoo --busy
	$(BIN)/python -m benchmarks.synthfaces

# What no results are kept of yet is measured, and all documents are rendered. Hours; resumes.
results: .venv/ready
	if [ -d ../shared/assets ]; then export CLOAK_ASSETS="$$PWD/../shared/assets"; fi; \
	$(BIN)/python -m benchmarks.results

# The documents as a site in build/site. Broken links fail, and so does whatever would be loaded from elsewhere.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	$(BIN)/pytest -q tests/contracts/test_site.py

.venv/docs: .venv/ready
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@
