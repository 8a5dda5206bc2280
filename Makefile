# Everything installs into .venv. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# Many tests start this project's commands; without compiled files each would compile Django and botocore again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo dev test test-long check lint fast-tests bench lock install browser docs docs-build docs-serve clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

install: $(STAMP) ## Make .venv with exactly the locked dependencies

$(STAMP): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@if command -v uv >/dev/null && $(WITH_UV); then :; else $(WITH_PIP); fi
	@touch $(STAMP)

# uv where it is on PATH; pip where it isn't, or where uv can't (its index is another setting than pip's).
WITH_UV = uv venv --quiet --allow-existing --no-python-downloads --python $(PYTHON) $(VENV) \
	  && uv pip install --quiet --python $(PY) --require-hashes --requirement requirements-dev.txt
WITH_PIP = $(PYTHON) requirements/system.py venv && $(PYTHON) -m venv $(VENV) \
	  && $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt

# A scan that could not read everything ends with 3, and parts of the demo organization can't be read.
demo: $(STAMP) ## Scan a demo organization, then serve the portal (ONCE=1: don't serve)
	@$(PY) -m demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT)) || { status=$$?; \
	  [ "$$status" = 3 ] && [ -n "$(ONCE)" ] || exit $$status; \
	  echo "The scan is partial: what could not be read is listed above. (python -m demo --once ends with 3.)"; }

dev: $(STAMP) ## Serve the demo with its workers, again after each change of the code
	@$(PY) -m demo --reload $(if $(PORT),--port $(PORT))

test: $(STAMP) $(if $(T),,browser) ## Run every test, or those of T=path
	$(PY) -m pytest $(or $(T),-n 2 --dist loadfile --no-loadscope-reorder)

# In one run: every property on five times as many examples, and how much of the code the tests reach.
test-long: $(STAMP) ## What takes longer: many examples, coverage, advisories of locked packages
	$(PY) requirements/audit.py requirements-dev.txt
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow or exhaustive" --hypothesis-profile=long --cov

# Both at once: the linters use one core, and leave the other to the tests.
check: $(STAMP) ## Lint, types, imports, migrations, fast tests: under 90 seconds
	@$(MAKE) --no-print-directory --jobs 2 lint fast-tests

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy .
	$(VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive governance accounts scans exceptions manage.py
	$(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

fast-tests: $(STAMP)
	$(PY) -m pytest -q -n 2 --dist loadfile -m "not slow and not database" --hypothesis-profile=check

# Without a browser the tests that need one are skipped, with the line that system.py prints.
browser: $(STAMP)
	@$(PYTHON) requirements/system.py browser \
	  || { $(PY) -m playwright install chromium --only-shell >/dev/null 2>&1 && echo "Playwright has fetched a Chromium."; } || true

docs: $(STAMP) ## Write the generated pages of docs/ from the code
	$(PY) manage.py control_docs
	$(PY) manage.py permissions docs
	$(PY) manage.py reference_docs

docs-build: $(STAMP) ## Build the documentation site into build/site; a dead link fails
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

docs-serve: $(STAMP) ## Serve the documentation site on http://127.0.0.1:8001/, anew after each change
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs serve --dev-addr 127.0.0.1:$(or $(PORT),8001)

bench: $(STAMP) ## Measure scans; prints figures and writes bench/results/*.json
	$(PY) -m bench

lock: $(STAMP) ## Resolve requirements/*.in into the hash-locked files
	$(VENV)/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header requirements/runtime.in -o requirements.txt
	$(VENV)/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header requirements/saml.in -o requirements-saml.txt
	$(VENV)/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header requirements/dev.in -o requirements-dev.txt

clean: ## Remove what was installed and built
	rm -rf $(VENV) var build
