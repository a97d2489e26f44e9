# The plain commands, named. Each makes the environment in .venv where it is missing.
EPOCHS ?= 15
DATA ?= auto
PORT ?= 5000
SERVE_PORT ?= 5001
PYTHON ?= $(shell command -v python3.11 || command -v python3)

export PATH := $(CURDIR)/.venv/bin:$(PATH)
READY := .venv/ready

.PHONY: train test lint ui serve bench environment

train: $(READY)
	mlflow run . --env-manager local --experiment-name tumorscope -P epochs=$(EPOCHS) -P data="$(DATA)"

# Two processes of one thread each: threads that wait for one another would take the time of both.
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: export TF_NUM_INTRAOP_THREADS = 1
test: $(READY)
	python -m pytest -n 2 --dist loadfile

lint: $(READY)
	ruff check . && ruff format --check .

ui: $(READY)
	mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}" --port $(PORT)

serve: $(READY)
	mlflow models serve -m models:/tumorscope@champion --env-manager local -p $(SERVE_PORT)

bench: $(READY)
	python benchmarks/phantom_speed.py
	python benchmarks/interval_coverage.py
	python benchmarks/scoring.py
	python benchmarks/training_time.py --data "$(DATA:auto=data)"
	python benchmarks/serving
	python benchmarks/framing.py --data "$(DATA:auto=data)"

environment: $(READY)

# conda.yaml's pip section is the one list of exact pins.
$(READY): conda.yaml pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and f"Python 3.11 is needed to make .venv, but this is {sys.version.split()[0]}; say which with PYTHON=/path/to/python3.11.")'
	"$(PYTHON)" -m venv .venv
	sed -n 's/^ *- \([A-Za-z0-9-]*==[^ ]*\)$$/\1/p' conda.yaml > .venv/pins.txt
	python -m pip install --quiet --requirement .venv/pins.txt
	python -m pip install --quiet --constraint .venv/pins.txt --editable '.[test]'
	touch $(READY)
