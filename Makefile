# Needs make, Python 3.11 or later and a package index; `make kafka` also needs Java 17 and Maven.

VENV   := .venv
BIN    := $(VENV)/bin
BROKER ?= embedded
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-stories test-clients bench bench-quick churn render kafka clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## make .venv with everything in it, and the command .venv/bin/assidu

$(VENV)/.installed: pyproject.toml constraints.txt
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if $$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	  python=; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or later with venv was not found: install it, or name it: make install PYTHON=python3.12" >&2; \
	  exit 1; \
	fi; \
	$$python -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,test]' -c constraints.txt
	@touch $@

demo: install ## run everything on this machine: embedded stack, traffic, worker, exporter (ARGS='--for 60')
	$(BIN)/assidu demo $(ARGS)

test: install ## lint, types and every test that is not slow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -m 'not slow and not clients' --broker $(BROKER) -n 3 --dist loadgroup $(ARGS)

test-slow: install ## faults and long runs (BROKER=apache: on Apache Kafka, after `make kafka`)
	$(BIN)/pytest -m slow --broker $(BROKER) $(ARGS)

test-stories: install ## the quick end-to-end stories alone (BROKER=apache: on Apache Kafka)
	$(BIN)/pytest tests/stories -m 'not slow' --broker $(BROKER) $(ARGS)

test-clients: $(VENV)/.installed-clients tests/clients/node/node_modules ## unmodified clients of others against the collector
	$(BIN)/pytest tests/clients -m clients -rs --broker $(BROKER) $(ARGS)

$(VENV)/.installed-clients: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[clients]' -c constraints.txt
	@touch $@

# Without npm the tests say what they skip.
tests/clients/node/node_modules: tests/clients/node/package-lock.json
	@if command -v npm >/dev/null; then \
	  cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules; \
	else \
	  echo "npm was not found: clients for Node and browsers are not tried" >&2; \
	fi

bench: $(VENV)/.installed-bench ## measure the write path beside what one would pick instead (ARGS='--large')
	$(BIN)/python -m bench $(ARGS)

bench-quick: install ## the same in less than two minutes, without most of it; keeps nothing
	$(BIN)/python -m bench --quick $(ARGS)

$(VENV)/.installed-bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]' -c constraints.txt
	@touch $@

churn: install ## fit the churn risk to CDNOW's purchases and grade it, into docs/churn-measured.md
	$(BIN)/python -m bench.churn

render: install ## write the generated files again
	$(BIN)/python -m schemas.generate
	$(BIN)/assidu render

kafka: .kafka/.fetched ## fetch Apache Kafka's jars for the tests

.kafka/.fetched: tests/kafka/pom.xml
	rm -rf .kafka
	mvn --batch-mode --no-transfer-progress --quiet -f tests/kafka/pom.xml \
	  dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/.kafka
	@touch $@

clean: ## remove what the other targets made
	rm -rf $(VENV) .kafka tests/clients/node/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
