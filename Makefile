# What a checkout needs, from a bare Python on. `make help` lists the targets.

PYTHON ?= python3
JOBS   ?= 4
ARGS   ?=
EXTRAS ?= page
DIST   ?= dist

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check $(if $(V),,-qq)

# Each stamp is as new as the last installation. The development set contains what the demo needs.
DEMO := $(VENV)/.installed-demo
DEV  := $(VENV)/.installed-dev

# What the tests run on: camspool as its wheel installs it, the rest from the development set.
WHEEL      := build/venv
WHEEL_BIN  := $(WHEEL)/bin
INSTALLED  := $(WHEEL)/.installed

# The tests start the daemon hundreds of times: compiled once is enough.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo deb test coverage lint test-system bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo 'Variables: PYTHON=python3.12 (interpreter), ARGS="..." (for demo and the tests), EXTRAS=page,notify (for deb), JOBS=4, V=1 (let pip talk).'

demo: $(DEMO) ## run the daemon against the simulator and watch MP4s arrive
	@$(BIN)/camspool demo $(ARGS)

deb: ## make a Debian package in dist/, for the release of Debian that this machine has
	@systemd/deb/build.sh $(DIST) $(EXTRAS)

PYTEST := pytest -n $(JOBS) --dist worksteal
# What needs no whole system; the demo has time limits that tracing breaks.
MEASURED := $(filter-out tests/system/,$(wildcard tests/*/))

test: lint $(INSTALLED) ## lint, then run the fast tests on the installed wheel
	$(WHEEL_BIN)/python -m $(PYTEST) --ignore=tests/system $(ARGS)
	@cat build/coverage/total 2>/dev/null || echo 'Branch coverage: not measured yet (make coverage)'

# Apart from `test`, as it takes nearly twice the time: before Python 3.14, tracing slows down all code.
coverage: lint $(INSTALLED) ## the same, and measure their branch coverage; fails if it is less than pyproject.toml demands
	@rm -rf build/coverage
	$(WHEEL_BIN)/python -m coverage run -m $(PYTEST) $(MEASURED) $(ARGS)
	@$(BIN)/coverage combine --quiet
	@echo "Branch coverage: $$($(BIN)/coverage report --format=total --fail-under=0) % (make coverage, $$(date +%F))" \
		| tee build/coverage/total
	@$(BIN)/coverage report

lint: $(DEV) ## check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Those that boot a machine share a package that takes a minute to make: a file stays with one worker.
BOOTED := $(addprefix tests/system/test_,service.py service_reload.py operating.py package.py)

test-system: export CAMSPOOL_TEST_COURSES ?= 200
test-system: $(DEV) ## run what needs root, strace, fuse3, systemd, chromium, samba, curl and jq, or minutes
	$(BIN)/pytest tests/system tests/pipeline/test_promises.py $(addprefix --ignore=,$(BOOTED)) \
		-n $(JOBS) --dist worksteal $(ARGS)
	$(BIN)/pytest $(BOOTED) -n $(JOBS) --dist loadfile $(ARGS)

bench: $(DEV) ## measure, side by side with curl and a shell script (12 minutes; wants an idle machine; ARGS="-k download")
	PYTHONPATH=tests $(BIN)/python -m bench $(ARGS)

clean: ## remove what these targets made: .venv, caches, builds (a demo folder stays)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find daemon tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEMO): pyproject.toml | $(BIN)/python
	@echo 'Installing camspool into $(VENV) ...'
	@$(PIP) install --editable '.[simulator]'
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	@echo 'Installing camspool and the development tools into $(VENV) ...'
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(DEMO)

# Rebuilt when a file in daemon/ has changed, or has gone, which the time of its folder shows.
$(INSTALLED): $(DEV) README.md $(shell find daemon -not -path '*/__pycache__*')
	@rm -rf $(WHEEL) build/wheel
	@$(BIN)/python -m venv --without-pip $(WHEEL)
	@echo "import site; site.addsitedir('$$(echo $(abspath $(VENV))/lib/python*/site-packages)')" \
		> $$(echo $(WHEEL)/lib/python*/site-packages)/development.pth
	@$(BIN)/hatchling build --target wheel --directory build/wheel $(if $(V),,>/dev/null 2>&1)
	@$(PIP) --python $(WHEEL_BIN)/python install --no-deps build/wheel/*.whl
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
		echo 'There is no $(PYTHON). Install Python 3.11 or later (Debian: apt-get install python3 python3-venv).' >&2; \
		exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "camspool needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) -V). Name another: make PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo '$(PYTHON) cannot make virtual environments. Install the package that can (Debian: apt-get install python3-venv).' >&2; \
		exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
