# What bitforbit does for a project, as make targets: the environment, training, goldens, images, locks.
# A project includes this file and adds its own targets; alone, `make -f bitforbit.mk` works too.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
EXPERIMENT ?=
SEED ?= 1
ARGS ?=
IMAGE ?= bitforbit
TAG ?= cpu
CUDA_TAG ?= cuda
RUNS ?= runs
WORK ?=
DOCKER ?= docker

VENV := $(or $(BITFORBIT_VENV),.venv)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes --no-deps --only-binary :all:
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --newline lf
# requirements.in first: the others are bound to its lock.
LOCKS := requirements $(filter-out requirements,$(basename $(wildcard requirements*.in)))

.PHONY: $(shell awk -F ':' '/^[a-z-]+:.*## / { print $$1 }' $(MAKEFILE_LIST))

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' \
		$(filter %bitforbit.mk,$(MAKEFILE_LIST)) $(filter-out %bitforbit.mk,$(MAKEFILE_LIST))
	@echo "  variables: EXPERIMENT=$(EXPERIMENT) SEED=$(SEED) ARGS='--set epochs=5' RUNS=$(RUNS) PYTHON=$(PYTHON)"

setup: $(BIN)/bitforbit $(VENV)/.kernels ## make the Python environment and the kernels (once)

train: setup ## train EXPERIMENT with SEED natively, print the weights' digest
	@$(BIN)/bitforbit train $(EXPERIMENT) --seed $(SEED) --runs $(RUNS) $(ARGS)

replicates: setup ## train EXPERIMENT with N seeds, 0 to N-1; goes on where it was interrupted
	@test $(or $(N),30) -ge 1 || { echo "make replicates: expected at least one, found N=$(N). Next step: make replicates N=30"; exit 2; }
	@$(BIN)/bitforbit replicate $(EXPERIMENT) --seeds 0-$$(($(or $(N),30) - 1)) --runs $(RUNS) $(ARGS)

verify: setup ## train the reference experiments, or run the scripts, and hold them against golden/
	@$(BIN)/bitforbit verify $(ARGS)

lint: $(BIN)/bitforbit $(VENV)/.dev ## check Python, shell and Dockerfile
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/shellcheck docker/*.sh docker/base/*.sh $(SHELL_FILES)
	@$(BIN)/hadolint docker/Dockerfile
	@$(if $(wildcard .github),$(BIN)/zizmor --offline --quiet .)
	@$(if $(LINT_SOURCES),$(if $(wildcard src/bitforbit/commands/lint.py),$(BIN)/bitforbit lint $(LINT_SOURCES)))

format: $(VENV)/.dev ## format the Python sources
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

doctor: setup ## look at this machine as a training would: what is wrong, why, and what mends it
	@$(BIN)/bitforbit doctor $(ARGS)

image: ## build the CPU image IMAGE:TAG
	@IMAGE=$(IMAGE):$(TAG) docker/build.sh cpu

image-cuda: ## build the CUDA image IMAGE:CUDA_TAG, about 6 GB; needs no GPU
	@IMAGE=$(IMAGE):$(CUDA_TAG) docker/build.sh cuda

docker-train: ## train EXPERIMENT with SEED in the image, results in RUNS
	@DOCKER="$(DOCKER)" docker/run.sh "$(RUNS)" $(IMAGE):$(TAG) train $(EXPERIMENT) --seed $(SEED) $(ARGS)

docker-verify: ## verify in the image
	@DOCKER="$(DOCKER)" WORK="$(WORK)" docker/run.sh "" $(IMAGE):$(TAG) verify $(ARGS)

golden: setup ## write golden/ anew: a decision, and the commit says why
	@$(BIN)/bitforbit verify --write $(ARGS)

lock: $(VENV)/.dev ## resolve requirements*.in into requirements*.lock
	@for name in $(LOCKS); do $(COMPILE) $(ARGS) --output-file $$name.lock $$name.in; done

lock-check: $(VENV)/.dev ## fail where a lock is not what its .in file resolves to
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; cp requirements*.in requirements*.lock "$$folder"; \
	for name in $(LOCKS); do \
		(pip_compile="$$(cd $(BIN) && pwd)/pip-compile"; cd "$$folder" && CUSTOM_COMPILE_COMMAND="make lock" "$$pip_compile" --quiet \
			--generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host \
			--no-emit-find-links --newline lf --output-file $$name.lock $$name.in); \
		diff -u $$name.lock "$$folder/$$name.lock" || { echo "$$name.lock is stale. Next step: make lock" >&2; exit 1; }; \
	done; echo "locks are what their .in files resolve to"

data: $(BIN)/bitforbit ## fetch the experiments' data files now, by hash; a training fetches what it reads
	@$(BIN)/bitforbit data

clean: ## remove the environment and the caches; keep runs/ and data/
	rm -rf $(VENV) src/bitforbit/kernels/_build .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(RUNS)/*' -prune -exec rm -rf {} +

$(VENV)/.ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "expected Python 3.11, 3.12 or 3.13 as $(PYTHON), found $$($(PYTHON) --version 2>&1). Next step: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "Setting up $(VENV): the packages of requirements.lock, by hash (once, about a minute)"
	@$(PYTHON) -m venv --clear $(VENV) || \
		{ echo "$(PYTHON) cannot make a virtual environment. Next step: apt-get install python3-venv" >&2; exit 2; }
	@$(INSTALL) -r requirements.lock
	@$(PIP) check
	@touch $@

$(BIN)/bitforbit: $(VENV)/.ready
	@echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/bitforbit.pth"
	@printf '#!/bin/sh\n'"'''exec'"' "%s" "$$0" "$$@"\n'"' '''"'\nimport sys\n\nfrom bitforbit.cli import main\n\nsys.exit(main())\n' \
		"$$(cd $(BIN) && pwd)/python" > $(BIN)/bitforbit  # runs in a folder with a blank in its name too
	@chmod +x $(BIN)/bitforbit

$(VENV)/.dev: $(VENV)/.ready requirements-dev.lock
	@echo "Adding the packages of requirements-dev.lock"
	@$(INSTALL) -r requirements-dev.lock
	@touch $@

$(VENV)/.kernels: $(BIN)/bitforbit $(wildcard src/bitforbit/kernels/native/*) src/bitforbit/kernels/build.py
	@echo "Compiling the exact kernels (once, some seconds)"
	@$(BIN)/python -m bitforbit.kernels.build >/dev/null
	@touch $@
