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
BROWSER := $(VENV)/.browser

.PHONY: setup demo test test-fast check fmt bench lock clean
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
	@# --no-deps: the lock is the whole closure.  It leaves out torchvision, torchaudio and torchcodec,
	@# whose ordinary builds are for CUDA and break the import of transformers beside a CPU torch.
	@grep -v '^torch==' requirements/cpu.lock > $(VENV)/locked.txt
	@$(BIN)/pip install -qq --no-deps -r $(VENV)/locked.txt
	@$(BIN)/pip install -qq --no-deps -e .
	@# Code written by a model runs in bubblewrap; without it, recipes that run code refuse to start.
	@command -v bwrap >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq bubblewrap libseccomp2; } >/dev/null 2>&1 \
	  || { sudo -n apt-get update -qq && sudo -n apt-get install -y -qq bubblewrap libseccomp2; } >/dev/null 2>&1 \
	  || echo "setup: no bubblewrap; to run model-written code: apt-get install bubblewrap libseccomp2" >&2
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

test: setup $(BROWSER)
	@$(BIN)/pytest

test-fast: setup $(BROWSER)
	@$(BIN)/pytest -m "not engine and not gpu"

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

fmt: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup
	@$(BIN)/python -m benchmarks

lock: setup
	@{ head -1 requirements/cpu.lock; $(BIN)/pip freeze --exclude-editable \
	  | grep -v -i -E '^(torchvision|torchaudio|torchcodec|thoughtmill)\b'; } > $(VENV)/new.lock
	@mv $(VENV)/new.lock requirements/cpu.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
