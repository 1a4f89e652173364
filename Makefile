# `make help` lists the commands. With an activated environment `dvc repro` gives the same results;
# `make repro` also sorts dvc.lock.

VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)
BUDGET ?= $(shell sed -n 's/^budget: *\([a-z0-9_]*\).*/\1/p' params.yaml)

.PHONY: help repro advise check-params test test-slow test-cluster test-nightly lint format fresh bench gate reference check prune sweep study demo publish report readme lock clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/make \1|\2/' | awk -F'|' '{printf "  %-19s %s\n", $$1, $$2}'

STUDY := studies/$(or $(NAME),clipping)
ifdef CLUSTER
ON_CLUSTER := "$(CLUSTER)" $(foreach one,$(CPUS),--cpus $(one)) $(foreach one,$(SHARDS),--shards $(one))
endif
ifdef SOURCE
repro: $(VENV)/.installed$(if $(CLUSTER),-cluster)  ## run what is not up to date, then print the tables; your own images: make repro SOURCE=path/to/folder; stages side by side: make repro CLUSTER=local
	@python -m tools.own "$(SOURCE)" $(if $(filter command line,$(origin BUDGET)),--budget $(BUDGET)) $(if $(CLUSTER),--cluster $(ON_CLUSTER))
else ifdef CLUSTER
repro: $(VENV)/.installed-cluster check-params
	@python -m cluster $(ON_CLUSTER)
	@python -m tools.sort_lock
	@cat plots/tables.md
else
repro: $(VENV)/.installed check-params
	@dvc repro
	@python -m tools.sort_lock
	@cat plots/tables.md
endif

advise: $(VENV)/.installed  ## look at the noise of your images and say what to train: make advise SOURCE=path/to/folder; RUN=yes does it [MINUTES=15]
	@python -m tools.advise "$(SOURCE)" $(if $(RUN),--run) $(if $(MINUTES),--minutes $(MINUTES))

check-params: $(VENV)/.installed  ## validate params.yaml
	@python -m tools.seeds
	@python -m tools.check

test: $(VENV)/.installed-dev  ## tests: library, stages, tools, one end-to-end smoke run
	@pytest -m "not slow and not cluster" -n 2 --dist loadfile --no-loadscope-reorder

test-slow: $(VENV)/.installed-dev  ## tests that run DVC again and again: reruns, kills, byte identity
	@pytest -m "slow and not nightly and not cluster"

test-cluster: $(VENV)/.installed-dev $(VENV)/.installed-cluster  ## tests of CLUSTER=...: the same bytes side by side, kills
	@pytest -m "cluster and not nightly"

test-nightly: $(VENV)/.installed-dev $(VENV)/.installed-cluster  ## the slow tests that rarely break: whole studies, benchmarks, advice that is followed, kills at any moment
	@pytest -m nightly

lint: $(VENV)/.installed-dev  ## ruff: lint and format; mypy: types; the workflows against their schema
	@ruff check .
	@ruff format --check .
	@mypy
	@check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: $(VENV)/.installed-dev  ## let ruff format the code
	@ruff check --fix . ; ruff format .

fresh: $(VENV)/.installed  ## is dvc.lock what this code and these parameters give? (needs no data)
	@python -m tools.fresh

bench: $(VENV)/.installed-bench  ## speed beside plain Keras and PyTorch, of digits and of images of all sizes; leave the machine alone meanwhile
	@python -m benchmarks.speed
	@python -m benchmarks.image_sizes

gate: $(VENV)/.installed  ## fail if a run is worse than at a git revision: make gate BASE=main
	@python -m tools.gate $(BASE) $(if $(REPORT),--report $(REPORT))

reference: $(VENV)/.installed  ## hold later results against the present ones
	@python -m tools.reference

check: $(VENV)/.installed  ## reproduce the committed results from nothing, in a clean clone, and gate them; some rows: ROWS="cnn cae"
	@python -m tools.reproduce $(ROWS)

prune: $(VENV)/.installed  ## list what params.yaml no longer names; DELETE=yes removes it
	@python -m tools.prune $(if $(DELETE),--delete)

sweep: $(VENV)/.installed$(if $(CLUSTER),-cluster)  ## try values of parameters: make sweep FILE=sweeps/NAME.yaml [CLUSTER=local] (docs/sweeps.md)
	@python -m tools.sweep "$(FILE)" $(if $(CLUSTER),--cluster $(ON_CLUSTER))

study: $(VENV)/.installed$(if $(CLUSTER),-cluster)  ## NAME=clipping (the default) [CLUSTER=local]: why Noise2Noise is worse on clipped images; advice: is it right; decision: what to do with what you have (one or two hours each)
	@$(if $(CLUSTER),python -m cluster $(ON_CLUSTER) --folder $(STUDY),dvc repro $(STUDY)/dvc.yaml)
	@python -m tools.sort_lock $(STUDY)/dvc.lock
	@cat $(STUDY)/report.md

demo: $(VENV)/.installed  ## a page to draw on, and every network's answer: http://127.0.0.1:8000/
	@python -m demo $(if $(MODELS),--models $(MODELS)) $(if $(PORT),--port $(PORT))

publish: $(VENV)/.installed  ## keep the results of the present budget in results/<budget>/; of own/NAME: make publish SOURCE=NAME
	@cd ./$(if $(SOURCE),own/$(SOURCE)) && PYTHONPATH=$(CURDIR) python -m tools.publish

report: $(VENV)/.installed  ## draw tables and figures of published results again: make report BUDGET=article
	@python -m tools.publish --draw $(BUDGET)

readme: $(VENV)/.installed  ## put the present tables into docs/
	@python -m tools.readme

lock: $(VENV)/.installed-dev  ## resolve requirements*.txt into requirements*.lock
	@pip install --quiet uv
	@for name in requirements requirements-dev requirements-cluster requirements-sweep; do uv pip compile --quiet --universal --python-version 3.11 --no-header --upgrade $$name.txt -o $$name.lock; done

clean:  ## remove the environment, checkpoints, logs and the kept download; results and DVC's cache stay
	rm -rf $(VENV) .checkpoints .fetched .locks logs

$(VENV)/.installed: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit(f"error: $(PYTHON) is Python {v[0]}.{v[1]}; 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12 ...")'
	@echo "making $(VENV) from requirements.lock (about 2 GB, a few minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 -r requirements-dev.lock
	@touch $@

$(VENV)/.installed-cluster: requirements-cluster.lock $(VENV)/.installed
	@$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 -r requirements-cluster.lock
	@touch $@

$(VENV)/.installed-bench: benchmarks/requirements.txt $(VENV)/.installed
	@$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 -r benchmarks/requirements.txt
	@touch $@
