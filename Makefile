# Deeper: `make` or `make help` lists what there is to do.
PYTHON ?= $(shell command -v python3.11 || echo python3)
STUDY ?= residual_vs_plain
HOURS ?= 8
COMMIT ?= false
ALONE := transfer transfer_pictures zoo_full
STAGE = $(if $(filter $(ALONE),$(STUDY)),$(STUDY),study@$(STUDY))
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
RUN := PATH="$(BIN):$$PATH" OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=

.DEFAULT_GOAL := help
.PHONY: help setup study named repro report site ledger test golden bench house lint clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## install everything into .venv (done by the others if need be)

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "error: Deeper is pinned for Python 3.11; name one: make PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "error: no virtual environment could be made; on Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 2; }
	@echo "installing into $(VENV) (some minutes the first time)"
	@$(BIN)/pip install -q --no-compile --disable-pip-version-check -r requirements.txt
	@$(BIN)/pip install -q --no-compile --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

study: named $(STAMP)  ## train one study and write the report: make study STUDY=residual_vs_plain
	@test -n '$(filter transfer%,$(STUDY))' || $(RUN) dvc repro prepare
	TRUST_TABLE=false $(RUN) dvc repro --single-item --force $(STAGE)
	$(RUN) dvc repro --single-item report
	@echo "read reports/$(STUDY).md and reports/README.md"

named:
	@test -f conf/study/$(STUDY).yaml || \
	  { echo "error: there is no study $(STUDY); there are: $$(cd conf/study && ls *.yaml | grep -v none | sed 's/.yaml//' | tr '\n' ' ')"; exit 2; }
	@test -n '$(filter $(ALONE),$(STUDY))' || grep -qE '^ *- *$(STUDY) *(#.*)?$$' params.yaml || \
	  { echo "error: study $(STUDY) is not in params.yaml; add it to the list there, or run it by hand as the head of conf/study/$(STUDY).yaml says"; exit 2; }

repro: $(STAMP)  ## dvc repro: everything that has changed, and nothing else
	$(RUN) dvc repro

report: $(STAMP)  ## write the reports again from results/
	$(RUN) dvc repro --single-item --force report

site: $(STAMP)  ## write site/, the results as pages with live charts: open site/index.html
	$(RUN) nice python -m deeper.site

ledger: $(STAMP)  ## measure the ledger for so many hours: make ledger HOURS=8
	$(RUN) nice python -m deeper.ledger hours=$(HOURS) commit=$(COMMIT)

test: $(STAMP)  ## run every test
	$(RUN) python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

golden: $(STAMP)  ## store the numbers of tests/golden anew, where a change of results is meant
	$(RUN) python -W ignore -m tests.golden

bench: $(STAMP)  ## measure Deeper's own speed, written to reports/bench.md
	$(RUN) python -m benchmarks

house: $(STAMP)  ## draw the rooms of src/ and what imports what, written to docs/house.md
	PYTHONPATH=tests/helpers $(RUN) python -m house docs/house.md

lint: $(STAMP)  ## ruff
	$(RUN) ruff check . && $(RUN) ruff format --check .

clean:  ## remove caches; trials, data and results stay
	rm -rf .pytest_cache .ruff_cache .hypothesis outputs dvc_plots
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
