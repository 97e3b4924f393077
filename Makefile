# Everything runs in a virtual environment that make lays from the hashes in requirements/, and only when they change.
# Arguments: make demo ARGS="--speed 120". Another Python: make test PYTHON=python3.13 VENV=.venv-3.13

VENV ?= .venv
BIN := $(VENV)/bin
# Tried by running it: a name on the PATH may be a shim with nothing behind it.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
# --no-compile: Python compiles what it imports, a fifth of what is installed.
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --no-deps
# But holidays loads its 250 countries at once: not to be compiled at every start where Python may keep nothing.
COMPILE := $(BIN)/python -m compileall -q $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/holidays
# A file of tests stays on one process; each process has a PostgreSQL of its own. Four, on two cores too: drills mostly wait.
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command "make lock" --quiet

.PHONY: help demo serve test check fix bench simulate simulate-long mutants drills drills-all lock
.DELETE_ON_ERROR:

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /make \1\t/p' Makefile | expand -t 14

demo: $(VENV)/.base  ## a campaign from a CSV file of contacts, called to its end on a simulated carrier
	@$(BIN)/agentalk demo $(ARGS)

serve: $(VENV)/.base  ## the API and the engine in one process, with a database of its own
	@$(BIN)/agentalk serve $(ARGS)

test: $(VENV)/.dev  ## the tests
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

check: $(VENV)/.dev  ## format, lint, types, imports, tests: what CI runs
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

drills: $(VENV)/.dev  ## what real processes survive: a table
	@$(BIN)/python -m pytest -q -m drill $(PARALLEL) tests/journeys/test_drills*.py $(ARGS)

drills-all: $(VENV)/.dev  ## the same with those that take minutes, into docs/drills.md
	@$(BIN)/python -m pytest -q -m "drill or drill_long" --drills-page docs/drills.md tests/journeys/test_drills*.py $(ARGS)

fix: $(VENV)/.dev  ## format, and repair what the linter can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(VENV)/.dev  ## our speed against the bare database's, as ratios
	@$(BIN)/python -m bench $(ARGS)

# With PLOT=FILE.svg: a campaign around the world, and its calls drawn over lawful hours; CONTACTS=100000 take some minutes.
simulate: $(VENV)/.dev  ## one world of a seed: make simulate SEED=7 DAYS=2 ARGS=-v, or of many: SEEDS=60
	@$(BIN)/python -m tests.simulation --seed $(or $(SEED),1) --seeds $(or $(SEEDS),1) --days $(or $(DAYS),2) --contacts $(or $(CONTACTS),300) $(if $(PLOT),--plot $(PLOT)) $(ARGS)

simulate-long: $(VENV)/.dev  ## worlds of new seeds on all cores for MINUTES=30, until one goes wrong
	@$(BIN)/python -m tests.simulation --seed $(or $(SEED),1000) --minutes $(or $(MINUTES),30) $(ARGS)

mutants: $(VENV)/.dev  ## bugs planted in the engine: the simulation must find each
	@$(BIN)/python -m tests.simulation.mutants $(ARGS)

lock: $(VENV)/.dev  ## pin the newest versions that pyproject.toml allows
	@$(BIN)/python -m pip install -qq uv
	@$(LOCK) --group build --group dev --upgrade --output-file requirements/dev.txt
	@$(LOCK) --group build --constraints requirements/dev.txt --upgrade --output-file requirements/base.txt

$(VENV)/.base: requirements/base.txt pyproject.toml | $(BIN)/pip
	@echo "Setting up $(VENV) from $<" >&2
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-build-isolation -e .
	@$(COMPILE)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/pip
	@echo "Setting up $(VENV) from $<" >&2
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-build-isolation -e .
	@$(COMPILE)
	@touch $(VENV)/.base $@

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "Agentalk needs Python 3.11 or newer, and found none.\
	 Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is not Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments.\
	 On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
