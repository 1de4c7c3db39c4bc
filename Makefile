# Everything a newcomer needs: make run, make test, make check.
PYTHON ?= python3.11
VENV := .venv
UV_VERSION := 0.13.9
BIN := $(VENV)/bin
export MEDIMAGING_DATA ?= $(abspath ../shared/data)
export TF_CPP_MIN_LOG_LEVEL ?= 3
export UV_COMPILE_BYTECODE := 1

.PHONY: run test check lock clean

run: $(VENV)/runtime.stamp
	@$(BIN)/python manage.py prepare
	@exec $(BIN)/python manage.py serve

# Three processes on two cores: tests of workers, servers and browsers wait for others much of their time.
test: $(VENV)/development.stamp
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

check: $(VENV)/development.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	MEDIMAGING_HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/bandit --quiet --recursive medimaging accounts mlcore diagnosis --configfile pyproject.toml
	$(BIN)/python .ci/audit.py
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

lock:
	uv pip compile --quiet --upgrade --python-version 3.11.0 --generate-hashes --no-emit-index-url requirements.in -o requirements.txt
	uv pip compile --quiet --upgrade --python-version 3.11.0 --generate-hashes --no-emit-index-url requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf $(VENV) staticfiles

$(VENV)/uv.stamp:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(VENV)/runtime.stamp: requirements.txt $(VENV)/uv.stamp
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@touch $@

$(VENV)/development.stamp: requirements-dev.txt $(VENV)/runtime.stamp
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@
