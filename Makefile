# bitforbit: `make` prints what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
EXPERIMENT ?= digits
SEED ?= 1
ARGS ?=
IMAGE ?= bitforbit
TAG ?= cpu
RUNS ?= runs
DOCKER ?= docker

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes --no-deps --only-binary :all:
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --newline lf

.PHONY: $(shell awk -F ':' '/^[a-z-]+:.*## / { print $$1 }' $(firstword $(MAKEFILE_LIST)))

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  variables: EXPERIMENT=$(EXPERIMENT) SEED=$(SEED) ARGS='--set epochs=5' RUNS=$(RUNS) PYTHON=$(PYTHON)"

setup: $(VENV)/.ready $(VENV)/.kernels data/.ready ## make the Python environment, the kernels and the data (once)

train: setup ## train EXPERIMENT with SEED natively, print the weights' digest
	@$(BIN)/bitforbit train $(EXPERIMENT) --seed $(SEED) --runs $(RUNS) $(ARGS)

verify: setup ## train the reference experiments and hold them against golden/
	@$(BIN)/bitforbit verify $(ARGS)

census: setup ## hold every op's bits against golden/census-x86-64-v3.json: some thousand cases
	@$(BIN)/python -m bitforbit.audit.census --check golden/census-x86-64-v3.json $(ARGS)

verify-hosts: setup ## verify on emulated CPUs: HOSTS='Haswell@1 EPYC@2' EXPERIMENTS='digits census' JOBS=2
	@$(BIN)/python -m bitforbit.hosts $(HOSTS) --experiments "$(EXPERIMENTS)" --jobs $(or $(JOBS),1) $(ARGS)

test: setup $(VENV)/.dev ## run all tests that this machine can run in minutes
	@$(BIN)/pytest -m "not slow" $(ARGS)

test-slow: setup $(VENV)/.dev ## run the tests that take long: full trainings, every emulated host, sanitizers
	@$(BIN)/pytest -m slow $(ARGS)

test-fast: setup $(VENV)/.dev ## run the tests that need neither Docker, emulation nor a package index
	@$(BIN)/pytest -m "not docker and not emulation and not network and not slow" $(ARGS)

test-hosts: setup $(VENV)/.dev ## train every layer that stock kernels make host-dependent, here and on emulated CPUs
	@$(BIN)/pytest tests/hosts -m "emulation and slow" --ignore tests/hosts/test_ablation.py $(ARGS)

test-ablation: setup $(VENV)/.dev ## take each measure away: some host must differ
	@$(BIN)/pytest tests/hosts/test_ablation.py -m slow $(ARGS)

lint: $(VENV)/.dev ## check Python, shell and Dockerfile
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/shellcheck $$(git ls-files '*.sh') .ci/run
	@$(BIN)/hadolint docker/Dockerfile

format: $(VENV)/.dev ## format the Python sources
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

image: ## build the CPU image bitforbit:cpu
	@IMAGE=$(IMAGE):$(TAG) docker/build.sh cpu

docker-train: ## train EXPERIMENT with SEED in the image, results in RUNS
	@mkdir -p $(RUNS)
	@$(DOCKER) run --rm --network none --user "$$(id -u):$$(id -g)" -v "$(abspath $(RUNS)):/runs" \
		$(IMAGE):$(TAG) train $(EXPERIMENT) --seed $(SEED) $(ARGS)

golden: setup ## write golden/ anew: a decision, say why and bump the policy's version
	@$(BIN)/bitforbit verify --write

lock: $(VENV)/.dev ## resolve requirements*.in into requirements*.lock
	@$(COMPILE) $(ARGS) --output-file requirements.lock requirements.in
	@$(COMPILE) $(ARGS) --output-file requirements-dev.lock requirements-dev.in

lock-check: $(VENV)/.dev ## fail where a lock is not what its .in file resolves to
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; cp requirements*.in requirements*.lock "$$folder"; \
	for name in requirements requirements-dev; do \
		(pip_compile="$(abspath $(BIN))/pip-compile"; cd "$$folder" && CUSTOM_COMPILE_COMMAND="make lock" "$$pip_compile" --quiet \
			--generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host \
			--no-emit-find-links --newline lf --output-file $$name.lock $$name.in); \
		diff -u $$name.lock "$$folder/$$name.lock" || { echo "$$name.lock is stale. Next step: make lock" >&2; exit 1; }; \
	done; echo "locks are what their .in files resolve to"

data: $(VENV)/.ready ## fetch the experiments' data files, by hash
	@$(BIN)/bitforbit data

bench: setup $(VENV)/.dev ## measure what determinism costs, side by side
	@$(BIN)/python benchmarks/training.py

clean: ## remove the environment, the data and the caches; keep runs/
	rm -rf $(VENV) data src/bitforbit/kernels/_build .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './runs/*' -prune -exec rm -rf {} +

$(VENV)/.ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "expected Python 3.11, 3.12 or 3.13 as $(PYTHON), found $$($(PYTHON) --version 2>&1). Next step: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "Setting up $(VENV): the packages of requirements.lock, by hash (once, about a minute)"
	@$(PYTHON) -m venv --clear $(VENV) || \
		{ echo "$(PYTHON) cannot make a virtual environment. Next step: apt-get install python3-venv" >&2; exit 2; }
	@$(INSTALL) -r requirements.lock
	@$(PIP) check
	@echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/bitforbit.pth"
	@printf '#!%s\nimport sys\n\nfrom bitforbit.cli import main\n\nsys.exit(main())\n' "$(abspath $(BIN)/python)" > $(BIN)/bitforbit
	@chmod +x $(BIN)/bitforbit
	@touch $@

$(VENV)/.dev: $(VENV)/.ready requirements-dev.lock
	@echo "Adding the packages of requirements-dev.lock"
	@$(INSTALL) -r requirements-dev.lock
	@touch $@

$(VENV)/.kernels: $(VENV)/.ready $(wildcard src/bitforbit/kernels/native/*) src/bitforbit/kernels/build.py
	@echo "Compiling the exact kernels (once, some seconds)"
	@$(BIN)/python -m bitforbit.kernels.build >/dev/null
	@touch $@

data/.ready: $(VENV)/.ready requirements-data.txt
	@$(BIN)/bitforbit data
	@touch $@
