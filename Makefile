# Everything a person or a build server types. Works as root and as a normal user, in any folder,
# without a terminal and with an empty home folder; the network is used for package registries only.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
.NOTPARALLEL:

# What somebody's shell sets for other projects must not leak into ours.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV PIP_USER PIP_TARGET PIP_REQUIRE_VIRTUALENV
unexport PYTEST_ADDOPTS MYPYPATH PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore
export DEBIAN_FRONTEND := noninteractive

PYTHON ?=
RUN := .venv/bin/python
UV_VERSION := 0.13.9
# Processes that tests run in: fast ones compute, slow ones wait half of their time for servers, disks
# and clocks. Seconds of random kills and crowds in `make soak`; flags for `make bench`.
JOBS ?= 2
SLOW_JOBS ?= 4
SECONDS ?= 600
ARGS ?=
KEEP ?=
VERBOSE ?=
PLAY ?=
# Somebody's environment may forbid to keep bytecode at run time; each start would then compile anew.
COMPILE := $(RUN) -m compileall -q -j 0 $(wildcard archive backup bench examples ops provisioning runbooks)

.PHONY: help demo demo-stop pictures test test-fast test-slow fresh lab lab-stop bench soak lint types layers fmt docs run messages lock \
	clean venv tools packages-test packages-test-fast packages-bench closing

help:
	@printf '%s\n' \
	  'make demo       a small estate with a year behind it in var/demo; back it up, restore it;' \
  '                VERBOSE=1 shows every answer; KEEP=1 leaves its console running until make demo-stop' \
  'make pictures   take the pictures of the console that README.md shows' \
	  'make test       lint, types, layers and every test' \
	  'make test-fast  the tests that take under a minute together' \
	  'make fresh      demo and test on a new machine: a minimal Debian of its own; as root' \
	  'make lab        boots an installed service, hosts and stores, and runs the plays (PLAY=name);' \
	  '                KEEP=1 leaves it up to practise in, until make lab-stop; as root' \
	  'make bench      measure against restic, borg and tar on the same data (ARGS=--quick);' \
	  '                results go to .bench/results.json' \
	  'make soak       the exhaustive fault and property campaigns (SECONDS=3600)' \
	  'make lint       rules of style;  make types: mypy;  make layers: who may import whom' \
	  'make fmt        put the code in shape' \
	  'make tools      programs of others that judge our archives or replay them, into .tools' \
  'make docs       write docs/reference anew from the code' \
	  'make messages   collect the texts and compile the Vietnamese catalog' \
	  'make run        start the service with ./estate.toml' \
	  'make lock       choose and pin the dependencies anew' \
	  'make clean      remove .venv, .tools and caches; var/ stays'

# KEEP=1 leaves service and console running; demo-stop ends them. VERBOSE=1 shows all answers.
demo: venv
	@$(RUN) -m examples.demo $(if $(KEEP),--keep) $(if $(VERBOSE),--verbose)

demo-stop: venv
	@$(RUN) -m examples.kept stop

pictures: venv
	@$(RUN) -m examples.console_pictures

test: venv packages-test tools lint types layers
	@$(MAKE) test-fast test-slow closing

test-fast: venv packages-test-fast
	@$(RUN) -m pytest -n $(JOBS) --dist worksteal -m "not slow and not soak" -q

test-slow: venv packages-test tools
	@$(RUN) -m pytest -n $(SLOW_JOBS) --dist worksteal -m "slow and not soak" -q --durations=10

# HEAD as it was committed, in a root of its own that is removed afterwards.
fresh:
	@tests/fresh_machine.sh

# PLAY=name runs that one; without it, all.
lab: venv packages-test
	@$(RUN) -m tests.lab $(if $(KEEP),keep,run $(PLAY))

lab-stop: venv
	@$(RUN) -m tests.lab stop

bench: venv packages-bench
	@$(RUN) -m pytest -q tests/unit/bench
	@$(COMPILE); mkdir -p .bench; $(RUN) -m bench --json .bench/results.json $(ARGS)

soak: venv packages-test
	@GIUCONG_SOAK_SECONDS='$(SECONDS)' $(RUN) -m pytest -m soak --timeout=0 -s $(ARGS)

lint: venv
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

types: venv
	@$(RUN) -m mypy

layers: venv
	@.venv/bin/lint-imports --no-logo

fmt: venv
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

docs: venv
	@$(RUN) -m docs.generate

messages: venv
	@$(RUN) -m ops.language.build

run: venv
	@[[ -e estate.toml ]] || { \
	  echo 'error: ./estate.toml does not exist'; \
	  echo '  next: write one: .venv/bin/fab estate.sample > estate.toml'; exit 1; }
	@GIUCONG_ESTATE=estate.toml exec .venv/bin/fab service.run

# Says what was left out, so that a green run is never read as more than it was.
closing:
	@echo; echo 'all green: style, types, layers, fast tests, slow tests'
	@[[ -d "$${CONFORMANCE_DIR:-$${PWD%/*}/shared/conformance}" ]] || { \
	  echo 'conformance data of other projects is not here, so these tests were not run:'; \
	  grep -rlE 'mark\.conformance' tests --include='*.py' | sed 's/^/  /'; }
	@[[ $$EUID -eq 0 ]] || echo 'tests of root'"'"'s rights need root, and were not part of this run'
	@echo 'not part of this run: make soak (exhaustive campaigns),'
	@echo '  make bench (figures, and the tests of what measures)'

clean:
	rm -rf .venv .tools dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@[[ ! -e var ]] || echo 'var/ holds data and was left alone'

# .venv/ready holds a digest of what was installed and the folder it was installed for (a virtual
# environment cannot be moved). It is written last, so an interrupted installation starts again.
venv:
	@state="$$(cat requirements.lock pyproject.toml | sha256sum)$$PWD"; \
	if [[ -e .venv/ready && "$$(< .venv/ready)" == "$$state" ]] && .venv/bin/python -c '' \
	  2> /dev/null; then exit 0; fi; \
	usable() { "$$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	  2> /dev/null; }; \
	choose() { for name in "$(PYTHON)" python3 python3.13 python3.12 python3.11 python3.14 \
	  /usr/bin/python3; do \
	  if [[ -n "$$name" ]] && usable "$$name"; then echo "$$name"; return; fi; done; return 1; }; \
	if ! chosen="$$(choose)"; then \
	  if [[ $$EUID -eq 0 ]] && command -v apt-get > /dev/null; then \
	    apt-get -q update; apt-get -q install -y --no-install-recommends python3-venv; fi; \
	  chosen="$$(choose)" || { echo 'error: no Python 3.11 or later that has the venv module'; \
	    echo '  next: sudo apt-get install -y python3-venv'; exit 1; }; fi; \
	moved() { [[ -e .venv/ready && "$$(< .venv/ready)" != *"$$PWD" ]]; }; \
	if moved || ! .venv/bin/python -m pip --version > /dev/null 2>&1; then \
	  echo "creating .venv with $$("$$chosen" --version)"; \
	  "$$chosen" -m venv --clear .venv; fi; \
	rm -f .venv/ready; echo 'installing the pinned dependencies, once; a minute or more'; \
	.venv/bin/python -m pip install -q --require-hashes --no-deps --only-binary :all: --no-compile \
	  -r requirements.lock; \
	.venv/bin/python -m pip install -q --no-deps --no-build-isolation -e .; \
	$(RUN) -m compileall -qq -j 0 .venv/lib || true; $(COMPILE); printf '%s' "$$state" > .venv/ready

# Programs of others in an environment of their own, .tools: their licences or dependencies do not go
# with ours. Some are sources only, so pip builds them.
tools: venv
	@state="$$(cat tests/outside_programs.lock | sha256sum)$$PWD"; \
	if [[ -e .tools/ready && "$$(< .tools/ready)" == "$$state" ]] && .tools/bin/python -c '' \
	  2> /dev/null; then exit 0; fi; \
	echo 'installing programs of others into .tools'; \
	rm -f .tools/ready; $(RUN) -m venv --clear .tools; \
	.tools/bin/python -m pip install -q --require-hashes --no-deps -r tests/outside_programs.lock; \
	printf '%s' "$$state" > .tools/ready

# tests/packages.txt: package, what proves that it is there, who needs it, why.
packages-test packages-test-fast packages-bench: packages-%:
	@missing=(); while read -r package probe users _; do \
	  [[ "$$package" == '#'* || ",$$users," != *",$*,"* ]] && continue; \
	  PATH="$$PATH:/usr/sbin:/sbin" command -v "$$probe" > /dev/null \
	    || compgen -G "$$probe" > /dev/null || missing+=("$$package"); \
	done < tests/packages.txt; \
	[[ $${#missing[@]} -gt 0 ]] || exit 0; \
	command="apt-get install -y --no-install-recommends $${missing[*]}"; \
	if [[ $$EUID -ne 0 ]] || ! command -v apt-get > /dev/null; then \
	  echo "error: make $* needs programs that are not here: $${missing[*]}"; \
	  echo "  next: sudo $$command"; exit 1; fi; \
	echo "installing Debian packages: $${missing[*]}"; \
	apt-get -q update; \
	no_cluster=/etc/postgresql-common/createcluster.d/giucong-tests.conf; \
	mkdir -p "$${no_cluster%/*}"; trap 'rm -f "$$no_cluster"' EXIT; \
	echo 'create_main_cluster = false' > "$$no_cluster"; \
	$$command -q -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold

# The exact versions and hashes in requirements.lock, for every Python and processor we support.
lock: venv
	@$(RUN) -m pip install -q --target .venv/lock-tool uv==$(UV_VERSION)
	@.venv/lock-tool/bin/uv pip compile --universal --generate-hashes --no-emit-index-url \
	  --no-header --python-version 3.11 --group dev pyproject.toml -o requirements.lock $(ARGS)
	@.venv/lock-tool/bin/uv pip compile --universal --generate-hashes --no-emit-index-url \
	  --no-header --python-version 3.11 tests/outside_programs.txt -o tests/outside_programs.lock $(ARGS)
