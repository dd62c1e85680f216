# vllm.cluster: one command each for a person, CI and a release. `make help` lists them.
# Every target makes .venv first when it is not there; tests/run/setup.sh says what it installs and with whose consent.

SCENARIO ?= default
EXECUTOR ?= mp
SOAK ?=
STAGES ?=

in_venv := ./tests/run/in_venv.sh
# What the lab needs of this machine before its own playbooks can run. They install the Docker engine.
lab_commands := ssh ssh-keygen debootstrap dockerd
lab_needs := NEEDS="$(lab_commands)"
# Tests of real processes skip what they cannot find; nobody sees that on a machine that never has it.
process_commands := ip iptables nft rsync
wanted = $(or $(strip $(STAGES)),processes molecule)
needs = NEEDS="$(if $(filter molecule readying,$(wanted)),$(lab_commands)) $(if $(filter processes,$(wanted)),$(process_commands))"
stages = $(in_venv) python tests/run/stages.py

.DEFAULT_GOAL := help
.PHONY: help venv demo demo-down test lint unit sanity molecule faults bench bench-router pins clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24
	@echo 'Variables: DEMO_MODEL=<hub id>  DEMO_EXECUTOR=mp|ray  STAGES="lint unit"  SCENARIO=<name>  YES=1|0 (install system packages)  PYTHON=<path>'

venv: ## make .venv with the pinned tools
	@./tests/run/setup.sh

demo: ## build a lab, deploy a real vLLM on it, show a completion
	@$(lab_needs) ./tests/run/demo.sh up

demo-down: ## remove the lab and all it left
	@./tests/run/demo.sh down

test: ## everything: lint, docs, checks, unit, processes, sanity, tarball, the scenarios; or STAGES="..."
	@$(needs) $(stages) $(STAGES)

lint: ## linters, type check, documentation and repository checks
	@$(stages) lint docs changelog checks

unit: ## unit tests on every supported ansible-core, and tests of real processes once
	@NEEDS="$(process_commands)" $(stages) unit processes

sanity: ## ansible-test sanity
	@$(stages) sanity

molecule: ## one Molecule scenario: SCENARIO=default
	@$(lab_needs) $(in_venv) molecule test --scenario-name $(SCENARIO)

faults: ## break an engine of two hosts in every way, and measure it: EXECUTOR=ray, or SOAK=30 (docs/faults.md)
	@$(lab_needs) $(in_venv) python -m tests.faults --executor $(EXECUTOR) $(if $(SOAK),--soak $(SOAK),--out .cache/faults-$(EXECUTOR).md)

bench: ## measure planning, 10 to 1,000 hosts (docs/planning.md)
	@$(in_venv) python tests/bench/plan.py

bench-router: ## measure the front door against what it is made of (docs/router.md)
	@$(in_venv) python tests/bench/router

pins: ## resolve requirements/*.in again
	@$(in_venv) ./tests/run/pins.sh

clean: ## remove what make and the tools made here; the lab stays (demo-down)
	rm -rf .venv .venvs .cache .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/output ./*.tar.gz
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
