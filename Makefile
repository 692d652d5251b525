# Every command of the project. `make help` lists them; only Python 3.11+ and make are needed beforehand.
SHELL  := /bin/sh
PYTHON ?= python3
# bootstrap.py SET[,SET...] -- COMMAND: makes the named virtual environments if they are not there yet, then runs COMMAND in the first.
BOOTSTRAP = $(PYTHON) local_stack/bootstrap.py
STACK     = $(BOOTSTRAP) stack -- python -m local_stack
DEV       = $(BOOTSTRAP) dev --
KEYS      = sh scripts/setup_litellm_keys.sh
COMPOSE  ?= docker compose
ENV_FILE ?= .env
DOCKER    = $(BOOTSTRAP) stack -- python -m operations.docker --env-file $(ENV_FILE) --compose "$(COMPOSE)"
DASHBOARD = $(BOOTSTRAP) stack -- python -m operations.dashboards $(if $(filter-out .env,$(ENV_FILE)),--env-file $(ENV_FILE))
CODE      = api config demo local_stack operations tests

.DEFAULT_GOAL := help
.PHONY: help
help:  ## this list
	@awk -F ':.*##' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z_-]+:.*##/ {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The stack on this machine, without Docker
.PHONY: up down status logs connect trace reset
up:  ## set up and start everything, mint the keys, send a first request through it (STACK_PORT_BASE=N: on other ports)
	@$(STACK) up
down:  ## stop everything that `make up` started; the data stays
	@$(STACK) down
status:  ## what runs, on which port, for how long
	@$(STACK) status
logs:  ## follow the logs (SERVICE=litellm: one service's)
	@$(STACK) logs $(SERVICE)
connect:  ## base URL, token and the lines that point a client here (CLIENT=aider: only that one's; ARGS="--help")
	@$(BOOTSTRAP) stack -- python -m operations.connect $(if $(CLIENT),--client '$(CLIENT)') $(ARGS)
trace:  ## draw a request's trace as text, once it is whole (TRACE=<id>: the answer's header x-trace-id; ARGS="--help")
	@$(BOOTSTRAP) stack -- python -m operations.trace $(ARGS) $(if $(TRACE),'$(TRACE)')
reset:  ## stop, and delete the stack's data after asking (YES=1: without asking)
	@$(STACK) reset $(if $(YES),--yes)

##@ Keys
.PHONY: litellm_setup
litellm_setup:  ## mint the virtual keys and write them into .env (ARGS="--rotate", ARGS="--env prod", ARGS="--help")
	@$(KEYS) --write $(ARGS)

##@ Usage
.PHONY: usage phoenix_prices
usage:  ## calls, errors, tokens, dollars and latencies by component (ARGS="--since 7d --by environment,model --plot cost.png", ARGS="--help")
	@$(BOOTSTRAP) usage -- python -m operations.usage $(ARGS)

phoenix_prices:  ## tell Phoenix the prices of config/litellm_config.yaml, as `make up` and `make docker_up` do
	@$(BOOTSTRAP) stack -- python -m operations.prices $(ARGS)

##@ Docker
.PHONY: docker_up docker_down docker_restart litellm_ui litellm_logs litellm_restart litellm_reset phoenix_ui
docker_up:  ## build and start the stack in containers, mint the keys (ENV_FILE=.env.prod: for production; COMPOSE=docker-compose)
	@$(DOCKER) up
docker_down:  ## stop and remove the containers; the data stays
	@$(DOCKER) down
docker_restart:  ## make all containers anew, with what .env says now
	@$(DOCKER) restart
litellm_restart:  ## make LiteLLM's container anew, after a change of its configuration
	@$(DOCKER) litellm-restart
litellm_logs:  ## follow the log of LiteLLM's container (the local stack's: make logs SERVICE=litellm)
	@$(DOCKER) litellm-logs
litellm_reset:  ## delete LiteLLM's database in Docker after asking, and mint new keys (YES=1: without asking)
	@$(DOCKER) litellm-reset $(if $(YES),--yes)
litellm_ui:  ## open LiteLLM's dashboard, or print its address
	@$(DASHBOARD) litellm
phoenix_ui:  ## open Phoenix, or print its address
	@$(DASHBOARD) phoenix

##@ Checks
.PHONY: tests format format_check lint types non_integration_tests unit_tests integration_tests attribution_test memory_isolation_test
.PHONY: resumable_test contract_table litellm_names clients_test conformance evaluations bench bench-compare bench_litellm bench_gateways
.PHONY: bench_plot sdk_or_proxy fuzz
.PHONY: failure_table
tests: format_check lint types unit_tests integration_tests  ## everything that has to pass: format, lint, types, unit, integration
format:  ## rewrite the code in the project's format
	@$(DEV) ruff format $(CODE)
	@$(DEV) ruff check --fix $(CODE)
format_check:  ## is the code in the project's format?
	@$(DEV) ruff format --check $(CODE)
lint:  ## ruff
	@$(DEV) ruff check $(CODE)
types:  ## mypy, strict
	@$(DEV) mypy
unit_tests:  ## tests that start no service (TESTS=PATH: only those)
	@$(DEV) pytest $(or $(TESTS),tests/unit_tests) $(ARGS)
non_integration_tests: format_check lint types unit_tests  ## all of `make tests` but the integration tests
integration_tests:  ## tests on the real stack, which they start on free ports and end (TESTS=PATH: only those)
	@$(BOOTSTRAP) dev,stack,app,litellm,phoenix,clients,compose,local_model -- pytest $(or $(TESTS),tests/integration_tests) $(ARGS)
clients_test:  ## Claude Code, opencode, Cline and Continue, as npm has them, at work through the API of a stack of its own (ARGS="-k subagent")
	@$(BOOTSTRAP) dev,stack,app,litellm,phoenix,local_model -- pytest tests/clients $(ARGS)
conformance:  ## compatibility suites that others wrote, against the API on a stack of its own (ARGS="--help")
	@$(BOOTSTRAP) dev,stack,app,litellm,phoenix,conformance -- python -m tests.conformance $(ARGS)
evaluations:  ## routing and answers, scored with the evaluation key and the models configured (ARGS="--help")
	@$(BOOTSTRAP) dev,stack,app,litellm,phoenix -- python -m tests.evaluations $(ARGS)
attribution_test:  ## a thousand requests of every kind: do LiteLLM, Phoenix and the clients agree to the last token?
	@ATTRIBUTION_REQUESTS=1000 $(BOOTSTRAP) dev,stack,app,litellm,phoenix -- pytest tests/integration_tests/test_many_calls.py $(ARGS)
memory_isolation_test:  ## ten thousand requests of fifty users: does each reach its own user's memory alone? (ARGS="-k each"; MEMORY_REQUESTS=N)
	@MEMORY_REQUESTS=$(or $(MEMORY_REQUESTS),10000) $(BOOTSTRAP) dev,stack,app,litellm,phoenix -- pytest -s tests/integration_tests/test_memory_isolation.py $(ARGS)
resumable_test:  ## a hundred resumable answers at once, whose clients come and go (RESUMABLE_RUNS=N)
	@RESUMABLE_RUNS=$(or $(RESUMABLE_RUNS),100) $(BOOTSTRAP) dev,stack,app,litellm,phoenix -- pytest tests/integration_tests/api/reasoning/test_resumable.py $(ARGS)
contract_table:  ## write what LiteLLM alone does to answers into docs/contract.md
	@WRITE_CONTRACT_TABLE=1 $(BOOTSTRAP) dev,stack,app,litellm,phoenix,clients,compose -- pytest tests/integration_tests/contract/test_table.py $(ARGS)
litellm_names:  ## write the fields that the installed LiteLLM reads in a request into api/llm/litellm_names.txt
	@WRITE_LITELLM_NAMES=1 $(BOOTSTRAP) dev,stack,litellm -- pytest tests/integration_tests/test_litellm_names.py $(ARGS)
bench:  ## what the API costs beside a raw relay, the SDK and LiteLLM alone, side by side in one run (ARGS="--help")
	@$(BOOTSTRAP) dev,stack,app,litellm,phoenix -- python -m tests.bench $(ARGS)
bench-compare:  ## two runs of it side by side (ARGS="BEFORE.json AFTER.json", from .stack/bench)
	@$(DEV) python -m tests.bench.results $(ARGS)
bench_litellm:  ## what changes of how LiteLLM is started gain, in pairs on one stack (ARGS="--only python --chain", ARGS="--help")
	@$(BOOTSTRAP) dev,stack,app,litellm,phoenix -- python -m tests.bench.share $(ARGS)
bench_gateways:  ## the API beside LiteLLM's SDK, AsyncOpenAI and other gateways on one upstream (ARGS="--help")
	@$(BOOTSTRAP) dev,stack,app,litellm -- python -m tests.bench.gateways $(ARGS)
bench_plot:  ## draw latency, CPU and throughput over concurrency and length of streams (ARGS="--out FILE.png", ARGS="--help")
	@$(BOOTSTRAP) dev,stack,app -- python -m tests.bench.plot $(ARGS)
sdk_or_proxy:  ## what an application gets of LiteLLM's SDK in its process and of the proxy, by trying both, as a table
	@$(BOOTSTRAP) dev,stack,app,litellm,phoenix -- python -m tests.bench.sdk_or_proxy
fuzz:  ## inputs that nobody would think of, in numbers (ARGS="--inputs 200000 --seed 1 --only socket,bodies", ARGS="--help")
	@$(BOOTSTRAP) dev,stack,app,litellm,phoenix -- python -m tests.fuzz $(ARGS)
failure_table:  ## the tables of docs/failures.md from a real run, on a stack that it starts and ends (ARGS="--state-dir DIR": on that one; "--only classifier")
	@$(BOOTSTRAP) dev,stack,app,litellm,phoenix -- python -m tests.failure_table $(ARGS)

##@ Maintenance
.PHONY: lock
lock:  ## compile requirements/*.in into hash-locked requirements/*.txt (ARGS="--upgrade")
	@$(STACK) lock $(ARGS)
