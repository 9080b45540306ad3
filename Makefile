# Everything a newcomer and CI need; `make help` lists it.
# PYTHON=/path/to/python3.12 names the interpreter that .venv is made from.

.DEFAULT_GOAL := help
.SILENT:
export PYTHON
BIN := .venv/bin
ARGS ?=
# The whole suite runs in so many processes, each with servers of its own; tests that ARGS names, in one. 0: in one.
PROCESSES ?= 2

.PHONY: help
help: ## What can be made
	grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-16s %s\n", $$1, $$2}'

.PHONY: install
install: ## The environment in .venv, everything locked (finds a Python 3.12 or newer by itself)
	scripts/install runtime

.PHONY: up
up: install ## Start it all: Neo4j, Redis, API, worker, scheduler, sample organisation. Ctrl-C stops it. ARGS="--help"
	exec $(BIN)/sloengine up $(ARGS)

.PHONY: install-dev
install-dev:
	scripts/install dev

.PHONY: test
test: install-dev ## All tests, on real Neo4j and Redis, and on real Prometheus and Chromium where they are on PATH
	$(BIN)/python -m pytest $(if $(filter tests%,$(ARGS)),,--numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder) $(ARGS)

.PHONY: test-slow
test-slow: install-dev ## What takes long to build: the chart, Kubernetes discovery and PromQL of Prometheus 3, on a helm, a kube-apiserver, an etcd and a parser made by the Go toolchain
	scripts/build_helm .tools
	scripts/build_kube_apiserver .tools
	scripts/build_promql_check .tools
	PATH="$(CURDIR)/.tools:$$PATH" $(BIN)/python -m pytest -m slow $(ARGS)

.PHONY: search
search: install-dev ## Look for counterexamples: property tests on examples that no run had before. ARGS="tests/domain" names some
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=searching $(if $(filter tests%,$(ARGS)),,--numprocesses $(PROCESSES) --dist loadfile) $(ARGS)

.PHONY: check
check: install-dev ## Style, types, layers, security, and whether generated files are up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --severity-level medium --configfile pyproject.toml sloengine workers
	$(MAKE) --no-print-directory schema
	$(MAKE) --no-print-directory cli-help
	git diff --exit-code -- graphql/schema.graphql docs/cli.md

.PHONY: schema
schema: install-dev ## Print the GraphQL schema into graphql/schema.graphql
	$(BIN)/python -m sloengine.api.print_schema graphql/schema.graphql

.PHONY: cli-help
cli-help: install-dev ## Print the help of every command into docs/cli.md
	$(BIN)/python -m sloengine.cli.print_help docs/cli.md

.PHONY: bench
bench: install-dev ## Measure speed against the goals of the design
	$(BIN)/python -m bench $(ARGS)

.PHONY: bench-accuracy
bench-accuracy: install-dev ## Measure whether promises hold, beside an oracle. ARGS="--quick" is the short form
	$(BIN)/python -m bench.accuracy $(ARGS)

.PHONY: lock
lock: ## Resolve the locked packages again after a change of pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header pyproject.toml --group dev -o requirements-dev.lock

.PHONY: lock-neo4j
lock-neo4j: install ## Resolve Neo4j's jars again. ARGS="2026.08.1" names the version
	$(BIN)/python -m sloengine.infrastructure.embedded.lock_jars $(ARGS)

.PHONY: clean
clean: ## Remove .venv and caches (not the state directory .sloengine)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
