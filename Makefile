# Everything runs in .venv, which the first target that needs it makes.
# `make test` needs Python 3.11 or later with venv, and make; no root, no system package.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2
SEEDS ?= 1-10000
SECONDS := 60
TARGET ?= all
# make chaos: SEED=0 draws one; what --kills and --messages bound as well, --rate and --every.
MINUTES ?= 3
SEED ?= 0
CHAOS ?=
# make check: the same harm each time, as much as it takes to reach both goals.
KILLING := --seed 7 --kills 50 --messages 100000 --minutes 25 --rate 1200 --every 0.8 2.4 --down 0.5
# make soak: HOURS=8 instead of MINUTES.
soak: MINUTES = 10
HOURS ?= 0
SOAK ?=
# make check: with little traffic, so that the other tests do not feel it; what it remembers is full
# at half-time. Memory comes by the megabyte: two or three of them in five minutes say nothing, a leak
# of native memory that somebody would notice is more; what objects hold is counted by the piece.
LITTLE := --minutes 10 --rate 5 --every 15 --fill 0 --small --noise 8 --noise-blocks 5000
# make peers: --only node kannel jasmin jasmin-mended, --rounds 3, --seconds 10, --need NAME.
PEERS ?=
# make figures: one of rst blackhole store sentinel down idle stalls.
ONLY ?=
SAY := @printf '\n== %s\n'

# tests/interop asks for foreign programs, tests/kernel for namespaces, tests/web for a browser,
# tests/packages for Docker and Debian's tools: they have targets of their own; tests/support holds
# no tests.
SUITES = $(filter-out tests.interop tests.kernel tests.packages tests.support tests.web, \
	$(patsubst tests/%/__init__.py,tests.%,$(sort $(wildcard tests/*/__init__.py)))) \
	$(patsubst tests/%.py,tests.%,$(sort $(wildcard tests/test_*.py)))
TRIAL = $(BIN)/python -m tests.support.trial
# What has a twin in C, and whole nodes that are sent whatever octets there are: with Python alone.
TWINS := tests.smpp tests.receipts tests.relay tests.store.test_records tests.store.test_settling \
	tests.store.test_redis tests.scenarios.test_faults_wire tests.test_compiled
PURE = SMPPPROXY_PURE=1 $(TRIAL) --record pure

.PHONY: help venv demo test pure simulate chaos kills soak figures mission bench peers docs fuzz lock audit lint format types imports coverage interop-tools interop kernel web packages image deb check suites clean

help:
	@printf 'make %-9s %s\n' \
	  demo     'two simulated hosts, a client, a host killed half-way: the whole product in 30 s' \
	  test     'every test that needs nothing but Python' \
	  pure     'tests of what has a twin in C, without the part in C' \
	  simulate 'random schedules of the whole relay: SEEDS=1-100000' \
	  chaos    'real processes, real faults: MINUTES=3 SEED=7 CHAOS="--kills 50 --messages 100000"' \
	  kills    'chaos as CI runs it: 50 SIGKILLs, 100,000 messages' \
	  soak     'hours of ordinary life, and what grows: MINUTES=10 or HOURS=8; build/soak' \
	  figures  'how long trouble lasts, measured: ONLY=rst; build/figures' \
	  mission  'the promises of five provider documents, each with its test and result' \
	  bench    'what a choice, a journey and a whole message cost: build/bench' \
	  peers    'others under the same load, beside us, in one run: PEERS="--only kannel"; build/peers' \
	  docs     'the manual, as pages for a browser: build/docs' \
	  fuzz     'octets from strangers, found by coverage: SECONDS=60 TARGET=all' \
	  interop  'tests with foreign clients, foreign servers and tshark' \
	  kernel   'silent networks, full disks: faults in namespaces of their own' \
	  lock     'requirements.lock anew: versions and hashes of a release' \
	  audit    'known holes in what requirements.lock names; asks the registry' \
	  web      'the web page in a browser; pictures in build/screenshots' \
	  packages 'the Debian package installed and purged, the composition run as processes' \
	  image    'the image built, its composition run by Docker' \
	  deb      'the Debian package, for this release of Debian: build/deb' \
	  check    'what CI runs: suites, beside them schedules of simulate and a soak of 10 minutes' \
	  lint     'ruff' \
	  format   'sort imports and mend what ruff can mend' \
	  types    'mypy, strict' \
	  imports  'the import rule of the rooms' \
	  coverage 'test and pure, with the coverage gate' \
	  venv     'the virtual environment in .venv' \
	  clean    'remove what the targets made'

venv: $(STAMP)

# editable_mode=compat: the usual editable install would hide twisted/plugins from twistd.
# The part in C is built anew with its file.
$(STAMP): pyproject.toml setup.cfg setup.py smppproxy/_octets.c
	$(SAY) 'venv: $(VENV) with everything the tests need'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or later is needed: make PYTHON=python3.11 ...'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo 'venv is missing: on Debian, apt-get install python3-venv'; exit 1; }
	@$(BIN)/pip install -q --disable-pip-version-check --config-settings editable_mode=compat \
	  -e '.[dev,embedded]'
	@touch $@

demo: venv
	$(SAY) 'demo: 30 seconds; host a is killed half-way and comes back'
	@$(BIN)/smppproxy demo --for 30

test: venv
	$(SAY) 'test: $(words $(SUITES)) suites on $(JOBS) workers'
	@$(TRIAL) --record test -- -j$(JOBS) $(SUITES)

pure: venv
	$(SAY) 'pure: what has a twin in C, in Python'
	@$(PURE) -- -j$(JOBS) $(TWINS)

simulate: venv
	$(SAY) 'simulate: schedules $(SEEDS) on $(JOBS) cores; a seed that fails is told'
	@$(BIN)/python -W error -m tests.simulation --seeds $(SEEDS) --jobs $(JOBS)

chaos: venv
	$(SAY) 'chaos: $(MINUTES) minutes of harm; the report is in build/chaos'
	@$(BIN)/python -W error -m tests.chaos --minutes $(MINUTES) --seed $(SEED) $(CHAOS)

kills: venv
	$(SAY) 'kills: 50 SIGKILLs, 100,000 messages; the report is in build/chaos'
	@$(BIN)/python -W error -m tests.chaos --record kills $(KILLING)

soak: venv
	$(SAY) 'soak: what grows; the report is in build/soak'
	@$(BIN)/python -W error -m tests.soak --minutes $(MINUTES) --hours $(HOURS) $(SOAK)

figures: venv
	$(SAY) 'figures: failover, silence, store, idle binds, stalls; in build/figures'
	@$(BIN)/python -m tests.figures $(addprefix --only ,$(ONLY))

mission: venv
	$(SAY) 'mission: every promise of the provider documents'
	@$(BIN)/python -W error -m tests.providers.mission

bench: venv
	$(SAY) 'bench: what a choice of a provider costs'
	@$(BIN)/python -W error -m tests.bench
	$(SAY) 'bench: what a message costs the node, journey by journey'
	@$(BIN)/python -W error -m tests.bench.journeys
	$(SAY) 'bench: what the message log costs, in the node and in its own process'
	@$(BIN)/python -W error -m tests.bench.message_log
	$(SAY) 'bench: what the store pays for a message'
	@$(BIN)/python -W error -m tests.bench.store_cost
	$(SAY) 'bench: a whole node, end to end; BENCH_SECONDS=8 for each scenario'
	@$(BIN)/python -W error -m tests.bench.end_to_end

peers: interop-tools
	$(SAY) 'peers: others under the same load, beside us; in build/peers'
	@$(BIN)/python -W error -m tests.bench.peers $(PEERS)

docs: venv
	$(SAY) 'docs: the manual'
	@$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs
	@echo 'open build/docs/index.html'

fuzz: venv
	$(SAY) 'fuzz: $(TARGET), $(SECONDS) seconds for each target'
	@$(BIN)/python -c 'import atheris' 2>/dev/null \
	  || $(BIN)/pip install -q --disable-pip-version-check -e '.[fuzz]' --config-settings editable_mode=compat
	@$(BIN)/python -m tests.fuzz $(TARGET) --seconds $(SECONDS)

lock: venv
	$(SAY) 'lock: the hashes of what a release is tested with'
	@$(BIN)/pip install -q --disable-pip-version-check uv
	@$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 \
	  --extra embedded --extra tracing --no-annotate --custom-compile-command 'make lock' --upgrade -q -o requirements.lock

audit: venv
	$(SAY) 'audit: known holes in requirements.lock'
	@$(BIN)/pip install -q --disable-pip-version-check pip-audit
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

lint: venv
	$(SAY) 'lint: ruff'
	@$(BIN)/ruff check .

format: venv
	$(SAY) 'format: ruff --fix'
	@$(BIN)/ruff check --fix .

types: venv
	$(SAY) 'types: mypy --strict'
	@$(BIN)/mypy

imports: venv
	$(SAY) 'imports: the layers of the rooms'
	@$(BIN)/lint-imports --no-cache --no-logo

coverage: venv
	$(SAY) 'coverage: test and pure, lines and branches measured'
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(TRIAL) --record test --coverage -- -j$(JOBS) $(SUITES); code=$$?; \
	  $(PURE) --coverage -- -j$(JOBS) $(TWINS) || code=1; \
	  $(BIN)/coverage combine -q && $(BIN)/coverage report || code=1; exit $$code

interop-tools: venv
	$(SAY) 'interop-tools: npm smpp, Net::SMPP, Kannel, tshark, logrotate'
	@tests/interop/install

interop: interop-tools
	$(SAY) 'interop: foreign clients and servers'
	@$(TRIAL) --record interop -- -j$(JOBS) tests.interop

kernel: venv
	$(SAY) 'kernel: silent networks and full disks, in namespaces of their own'
	@tests/kernel/run $(TRIAL) --record kernel -- tests.kernel

web: venv
	$(SAY) 'web: the page in Chromium'
	@tests/web/install
	@$(TRIAL) --record web -- -j$(JOBS) tests.web

packages: venv
	$(SAY) 'packages: the Debian package installed, the composition run as processes'
	@tests/packages/install
	@$(TRIAL) --record packages -- tests.packages.test_debian
	@tests/kernel/run $(TRIAL) --record composition -- tests.packages.test_composition

image: venv
	$(SAY) 'image: built, and its composition run by an engine of its own'
	@tests/packages/install docker
	@$(TRIAL) --record image -- tests.packages.test_image

deb: venv
	$(SAY) 'deb: the Debian package, with its own environment'
	@$(BIN)/python -W ignore etc/debian/build.py

# Schedules of the simulation take what the suites leave of the processors; those that are left when
# the suites are through take all of them, but not for more than 40 minutes from the beginning. The
# soak takes a tenth of one processor.
check: venv
	@$(BIN)/python -m tests.support.beside $(BIN)/python -W error -m tests.simulation \
	  --seeds 1-100000 --jobs $(JOBS) --idle --least 100000 --minutes 40 \
	  --record build/results/simulate -- \
	  nice -n 5 $(BIN)/python -W error -m tests.soak $(LITTLE) --record build/results/soak -- \
	  $(MAKE) --no-print-directory suites
	$(SAY) 'check: all passed'

suites: lint types imports coverage interop kernel web packages kills

clean:
	$(SAY) 'clean'
	rm -rf build dist *.egg-info _trial_temp* .mypy_cache .ruff_cache .hypothesis .coverage* \
	  tests/interop/node/node_modules $(VENV)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find twisted -name dropin.cache -delete
	find smppproxy -name '*.so' -delete
