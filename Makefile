# Thin targets: each calls its language's own tools. `make` alone lists them.

CARGO ?= cargo
CORE_FEATURES := policy-file # the optional features of crates/core; every subset is built
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help doctor ready demo test test-workspace test-features test-loom test-go test-node lib-go bench
.PHONY: vectors lint lint-fmt lint-clippy lint-docs lint-go fmt clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

doctor: ## say which tools are here and which are missing
	@scripts/doctor

ready:
	@scripts/doctor rust cc

demo: ready ## judge an access log and write target/demo/report.html
	@scripts/demo

test: test-workspace test-features test-loom test-go test-node ## everything below that starts with test-

test-workspace: ready ## unit, property, stress, vector, fuzz-smoke, bench-smoke and doc tests
	$(CARGO) test --workspace --locked --no-fail-fast

test-features: ready ## the core builds with every subset of its features
	@set -e; for set in '' $(CORE_FEATURES); do \
	  echo "core with features: $${set:-none}"; \
	  $(CARGO) check --quiet --locked -p tidegate --no-default-features --features "$$set"; \
	done

test-loom: ready ## the commit protocol and insertion under every interleaving
	RUSTFLAGS="--cfg loom" $(CARGO) test --locked --release -p tidegate --lib --target-dir $(TARGET_DIR)/loom loom

lib-go: ready ## the static library and the header, where the Go package wants them
	@scripts/lib-go

test-go: lib-go ## the Go package: vectors, races, collection at every call, vendoring, its benches
	@scripts/doctor go
	@scripts/test-go

test-node: ready ## the npm package: vectors, threads, processes, types; packed and installed
	@scripts/doctor node
	@scripts/test-node

bench: ready ## peers side by side in one run; results go to benches/record/
	$(CARGO) run --release --locked -p tidegate-benches --bin peers -- --record

vectors: ready ## write tests/vectors/ anew from the reference model
	$(CARGO) run --quiet --locked -p tidegate-reference --bin vectors

lint: lint-fmt lint-clippy lint-docs lint-go ## everything below that starts with lint-, warnings denied

lint-fmt: ready ## the sources are formatted
	$(CARGO) fmt --all --check

lint-clippy: ready ## clippy on everything, and on the core with no features
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings
	$(CARGO) clippy -p tidegate --all-targets --no-default-features --locked -- -D warnings

lint-docs: ready ## the documentation builds, and its links lead somewhere
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features --lib --locked

lint-go: lib-go ## gofmt and go vet have nothing to say
	@scripts/doctor go
	@test -z "$$(gofmt -l bindings/go | tee /dev/stderr)"
	cd bindings/go && go vet ./... && cd bench && go vet ./...

fmt: ready ## format the sources
	$(CARGO) fmt --all

clean: ## remove what was built
	$(CARGO) clean
