# bitforbit: `make` prints what there is.
EXPERIMENT ?= digits
SHELL_FILES := .ci/run $(wildcard benchmarks/*.sh docker/cluster/*.sbatch)
LINT_SOURCES := src tests benchmarks docker
GPU_FLAGS ?= --gpus all

include bitforbit.mk

census: setup ## hold every op's bits against golden/census-x86-64-v3.json: some thousand cases
	@$(BIN)/python -m bitforbit.audit.census --check golden/census-x86-64-v3.json $(ARGS)

verify-hosts: setup data/.ready ## verify on emulated CPUs: HOSTS='Haswell@1 EPYC@2' EXPERIMENTS='digits census' JOBS=2
	@$(BIN)/python -m bitforbit.hosts $(HOSTS) --experiments "$(EXPERIMENTS)" --jobs $(or $(JOBS),1) $(ARGS)

test: setup data/.ready $(VENV)/.dev ## run all tests that this machine can run in minutes
	@$(BIN)/pytest -m "not slow" $(ARGS)

test-slow: setup data/.ready $(VENV)/.dev ## run the tests that take long: full trainings, every emulated host, sanitizers
	@$(BIN)/pytest -m slow $(ARGS)

test-fast: setup data/.ready $(VENV)/.dev ## run the tests that need neither Docker, emulation nor a package index
	@$(BIN)/pytest -m "not docker and not emulation and not network and not slow" $(ARGS)

test-hosts: setup data/.ready $(VENV)/.dev ## train every layer that stock kernels make host-dependent, here and on emulated CPUs
	@$(BIN)/pytest tests/hosts -m "emulation and slow" --ignore tests/hosts/test_ablation.py $(ARGS)

test-cuda: setup data/.ready $(VENV)/.dev ## run the tests of the CUDA image (make image-cuda); none needs a GPU
	@BITFORBIT_REQUIRE_CUDA_IMAGE=1 $(BIN)/pytest tests/cuda $(ARGS)

test-starter: setup data/.ready $(VENV)/.dev ## generate projects and run what they promise; BITFORBIT_SEED_VENV=$(VENV) is quicker
	@$(BIN)/pytest tests/starter -m slow $(ARGS)

test-diagnose: setup data/.ready $(VENV)/.dev ## plant faults into whole trainings: diagnose must name cause, line, step and op, in the image too; minutes
	@$(BIN)/pytest tests/diagnosis tests/docker/test_diagnose.py -m slow $(ARGS)

test-kills: setup data/.ready $(VENV)/.dev ## kill workers, pools and schedulers at 24 random moments, fill a small disk: the digests stay
	@$(BIN)/pytest tests/replicates/test_kills.py -m slow $(ARGS)

test-engines: setup data/.ready $(VENV)/.dev ## train the same 8 seeds one by one, by the pool, by Dask and, where it is there, by Slurm
	@$(BIN)/pytest tests/replicates/test_engines.py $(ARGS)

test-slurm: setup data/.ready $(VENV)/.dev ## train by a real Slurm array on this machine (apt-get install slurm-wlm munge; as root)
	@$(BIN)/pytest tests/replicates/test_engines.py -k slurm $(ARGS)

bench-replicates: setup ## measure the pool's throughput against a shell loop of train
	@$(BIN)/python benchmarks/replicates.py $(ARGS)

bench-ensemble: setup ## measure making an ensemble of 30 against loading its members
	@$(BIN)/python benchmarks/ensemble.py $(ARGS)

test-ablation: setup data/.ready $(VENV)/.dev ## take each measure away: some host must differ
	@$(BIN)/pytest tests/hosts/test_ablation.py -m slow $(ARGS)

bench: setup data/.ready $(VENV)/.dev ## measure what determinism costs, side by side
	@$(BIN)/python benchmarks/training.py

bench-gpu: ## measure what the GPU policy costs, in the CUDA image: BENCH_ARGS='--rounds 5 digits' GPU_FLAGS='--gpus all'
	@$(DOCKER) run --rm $(GPU_FLAGS) -v "$$PWD/benchmarks:/benchmarks:ro" -v bitforbit-cuda-cache:/cuda-cache \
		--entrypoint /opt/venv/bin/python $(IMAGE):$(CUDA_TAG) /benchmarks/gpu.py $(BENCH_ARGS)

bench-measures: setup data/.ready ## measure what the measures for other hosts cost in whole trainings: some minutes on a quiet machine
	@$(BIN)/python benchmarks/measures.py $(ARGS)

sweep: setup ## every float32 input through every elementwise kernel, against a wider reference: ten minutes or so
	@$(BIN)/python -m tests.kernels.exhaustive $(ARGS)

# Tests and benchmarks may run where nothing can be fetched, in emulation for one: all data is there before they start.
data/.ready: $(BIN)/bitforbit requirements-data.txt
	@$(BIN)/bitforbit data
	@touch $@
