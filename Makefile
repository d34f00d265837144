# Deeper: `make` or `make help` lists what there is to do.
PYTHON ?= $(shell command -v python3.11 || echo python3)
STUDY ?= residual_vs_plain
HOURS ?= 8
COMMIT ?= false
REMOTE ?=
OWN ?= own
NAME = $(STUDY:record/%=%)
comma := ,
OF_RECORD = $(if $(filter record/%,$(STUDY)),record)
COMMITTED = $$(git cat-file -e HEAD:./results 2>/dev/null && echo HEAD || echo results$(OF_RECORD:%=/%))  # a zip has no git
ALONE := transfer transfer_photographs transfer_pictures zoo_full
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
RUN := PATH="$(BIN):$$PATH" OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=
# OWN as Hydra reads it between quotes
SAID = $(subst ',\',$(OWN))
export PYTHON STUDY HOURS COMMIT REMOTE OWN SAID  # recipes read them as "$$STUDY": what the shell would take for a command stays a word

.DEFAULT_GOAL := help
.PHONY: help setup scm study slides named repro report site plots experiments ledger share test golden bench gpu gpu-wheels house lint clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## install everything into .venv (done by the others if need be)

$(STAMP): requirements.txt pyproject.toml setup.py
	@"$$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12), (3, 13)))' || \
	  { echo "error: Deeper is for Python 3.11 (3.12 and 3.13 are allowed); name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@test -w . || { echo "error: $(CURDIR) cannot be written; copy it to a folder of yours" >&2; exit 2; }
	@test -x "$(BIN)/python" || "$$PYTHON" -m venv $(VENV) || \
	  { echo "error: no virtual environment could be made; on Debian: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 2; }
	@echo "installing into $(VENV) (some minutes the first time)"
	@"$(BIN)/python" -m pip install -q --no-compile --disable-pip-version-check -r requirements.txt
	@"$(BIN)/python" -m pip install -q --no-compile --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

scm: $(STAMP)
	@git rev-parse --git-dir >/dev/null 2>&1 || $(RUN) dvc config --local core.no_scm true  # a zip has no git

study: named scm  ## train one study beside the committed results and say how well it agrees: make study STUDY=lrn, STUDY=record/pooling
	@test -n '$(filter transfer%,$(NAME))' || $(RUN) dvc repro prepare
	$(RUN) python -m deeper.$(if $(filter transfer%,$(NAME)),transfer,train) --multirun study=$(STUDY) $(OF_RECORD:%=profile=%) \
	  "results='$$SAID/results'" trust_table=false
	$(RUN) python -m deeper.report "results='$$SAID/results'" "reports='$$SAID/reports'" family=results exact=false only=$(NAME) \
	  $(OF_RECORD:%=for_profile=%)
	@$(RUN) python -m deeper.report "results='$$SAID/results'" compare=$(COMMITTED) only=$(NAME) $(OF_RECORD:%=for_profile=%)
	@echo "read $$OWN/reports/$(STUDY).md; results/ is as it was$(if $(OF_RECORD),,$(comma) and dvc repro would take these trials there)"

named:
	@case "$${STUDY#record/}" in ''|*[!A-Za-z0-9_-]*) echo "error: STUDY must be the name of a study" >&2; exit 2;; esac
	@test -f "conf/study/$$STUDY.yaml" || \
	  { echo "error: there is no study $$STUDY; there are: $$(cd conf/study && ls *.yaml record/*.yaml | grep -v none | sed 's/.yaml//' | tr '\n' ' ')" >&2; exit 2; }
	@case " $(ALONE) " in *" $$STUDY "*) ;; *) test -n '$(OF_RECORD)' || grep -qE "^ *- *$$STUDY *(#.*)?$$" params.yaml;; esac || \
	  { echo "error: study $$STUDY is not in params.yaml; add it to the list there, or run it by hand as the head of conf/study/$$STUDY.yaml says" >&2; exit 2; }
	@mkdir -p -- "$$OWN" 2>/dev/null && ! test "$$OWN" -ef . || \
	  { echo "error: OWN=$$OWN must be a folder that can be made, and not this one, whose results are the committed ones" >&2; exit 2; }
	@! git ls-files --error-unmatch -- "$$OWN" >/dev/null 2>&1 || \
	  { echo "error: OWN=$$OWN has files of git in it; name another folder" >&2; exit 2; }

repro: scm  ## dvc repro: everything that has changed, and nothing else
	$(RUN) dvc repro

report: scm  ## write the reports again from results/
	$(RUN) dvc repro --single-item --force report

slides: $(STAMP)  ## draw a picture a claim for slides, light and dark, written to slides/
	$(RUN) python -m deeper.report slides=slides

site: $(STAMP)  ## write site/, the results as pages with live charts: open site/index.html
	$(RUN) nice python -m deeper.site

plots: $(STAMP)  ## draw the curves of every study with DVC, on a page that needs no network: dvc_plots/index.html
	$(RUN) python -m deeper.site.offline_plots .dvc/tmp/plots.html
	$(RUN) dvc plots show --html-template .dvc/tmp/plots.html

experiments: $(STAMP)  ## a line an experiment: what was set, and the verdicts and effects that moved
	$(RUN) dvc exp show --no-pager --only-changed --drop 'Created|studies|:(lower|upper|detectable|seeds)$$'

ledger: $(STAMP)  ## measure the ledger for so many hours: make ledger HOURS=8
	$(RUN) nice python -m deeper.ledger "hours=$$HOURS" "commit=$$COMMIT"

share: $(STAMP)  ## put the trials that the tables name into a DVC remote: make share REMOTE=s3://bucket/path
	$(RUN) python -m deeper.share "remote=$$REMOTE"

test: $(STAMP)  ## run every test
	$(RUN) python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

golden: $(STAMP)  ## store the numbers of tests/golden anew, where a change of results is meant
	$(RUN) python -W ignore -m tests.golden

bench: $(STAMP)  ## measure Deeper's own speed, written to reports/bench.md; beside others: make bench PEERS=FOLDER
	$(RUN) python -m benchmarks $(if $(PEERS),--peers "$$PEERS")

gpu:  ## tests and figures of a machine with one GPU: benchmarks/gpu.sh; make gpu REHEARSE=1
	bash benchmarks/gpu.sh $(if $(filter-out 0,$(REHEARSE)),--rehearse)

gpu-wheels: scm  ## fetch what `make gpu` needs on a machine without a network: build/wheels, build/gpu-data
	mkdir -p build/wheels
	"$$PYTHON" -m pip wheel --quiet --no-deps --wheel-dir build/wheels "$$(grep antlr4 benchmarks/gpu.txt)"
	grep -v antlr4 benchmarks/gpu.txt > build/gpu.txt
	"$$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 \
	  --platform manylinux_2_17_x86_64 --dest build/wheels -r build/gpu.txt
	$(RUN) dvc repro prepare
	$(RUN) python -m benchmarks.gpu --write-data build/gpu-data

house: $(STAMP)  ## draw the rooms of src/ and what imports what, written to docs/house.md
	PYTHONPATH=tests/helpers $(RUN) python -m house docs/house.md

lint: $(STAMP)  ## ruff
	$(RUN) ruff check . && $(RUN) ruff format --check .

clean:  ## remove caches; trials, data and results stay
	rm -rf .pytest_cache .ruff_cache .hypothesis outputs dvc_plots
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
