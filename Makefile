# Thin targets: each calls its language's own tools. `make` alone lists them.

CARGO ?= cargo
CORE_FEATURES := policy-file tokio policy-file,tokio # the optional features of crates/core; every subset is built
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
PREFIX ?= /usr/local

.DEFAULT_GOAL := help
.PHONY: help doctor ready demo test test-workspace test-features test-loom test-c test-go test-python test-node test-languages test-asan
.PHONY: kills lib-go bench bench-python bench-node install vectors header lint lint-fmt lint-clippy lint-docs lint-go lint-python lint-node lock-python fmt clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

doctor: ## say which tools are here and which are missing
	@scripts/doctor

ready:
	@scripts/doctor rust cc

demo: ready ## judge an access log; then servers in four languages on one quota, judged too
	@scripts/demo

test: test-workspace test-features test-loom test-c test-go test-python test-node test-languages ## everything below that starts with test-, but test-asan, which CI adds

test-workspace: ready ## unit, property, stress, vector, fuzz-smoke, bench-smoke and doc tests
	$(CARGO) test --workspace --locked --no-fail-fast

test-features: ready ## the core builds with every subset of its features, and keeps its word with all
	@set -e; for set in '' $(CORE_FEATURES); do \
	  echo "core with features: $${set:-none}"; \
	  $(CARGO) check --quiet --locked -p tidegate --no-default-features --features "$$set"; \
	done
	$(CARGO) test --quiet --locked -p tidegate --all-features

test-loom: ready ## the commit protocol and insertion under every interleaving
	RUSTFLAGS="--cfg loom" $(CARGO) test --locked --release -p tidegate --lib --target-dir $(TARGET_DIR)/loom loom

# The sanitizer is an unstable option of a stable compiler, with the library that comes with it. The
# dependencies are not optimised: building them takes longer than the test.
test-asan: ready ## segments whose bytes change under a live limiter, under AddressSanitizer
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address $(CARGO) test --locked -p tidegate-tests --test fuzzing \
	  --target $(HOST) --target-dir $(TARGET_DIR)/asan --config 'profile.dev.package."*".opt-level=0' \
	  --config 'profile.dev.debug="line-tables-only"' segment

kills: ready ## processes killed two thousand times while they share segments
	$(CARGO) run --release --locked -p tidegate-tests --bin kills -- --kills 2000

test-c: ready ## the C library: installed, from C, under sanitizers and valgrind, the example server
	@tests/c/run

lib-go: ready ## the static library and the header, where the Go package wants them
	@scripts/doctor go
	@scripts/lib-go

test-go: lib-go ## the Go package: vectors, races, collection at every call, vendoring, its benches
	@scripts/test-go

test-python: ready ## the Python package: its wheel, installed apart from the sources; types
	@scripts/doctor python
	@bindings/python/check

test-node: ready ## the npm package: vectors, threads, processes, types; packed and installed
	@scripts/doctor node
	@scripts/test-node

test-languages: ready ## processes in C, Go and Rust on one key of one segment, judged together
	@tests/languages/run 5

install: ready ## the C library and its header, into DESTDIR/PREFIX (default /usr/local)
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" scripts/install

bench: ready ## peers side by side in one run; results go to benches/record/
	$(CARGO) run --release --locked -p tidegate-benches --bin peers -- --record

bench-python: ready ## the Python package beside its peers, into benches/record/
	@scripts/doctor python
	@bindings/python/check bench --record

bench-node: ready ## the npm package beside its peers, into benches/record/
	@scripts/doctor node
	cd bindings/node && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build && npm run --silent bench -- --record

vectors: ready ## write tests/vectors/ anew from the reference model
	$(CARGO) run --quiet --locked -p tidegate-reference --bin vectors

header: ready ## write include/tidegate.h anew from crates/ffi
	$(CARGO) run --quiet --locked -p tidegate-ffi --example header -- include/tidegate.h

lint: lint-fmt lint-clippy lint-docs lint-go lint-python lint-node ## everything below that starts with lint-, warnings denied

lint-fmt: ready ## the sources are formatted
	$(CARGO) fmt --all --check

lint-clippy: ready ## clippy on everything, and on the core with no features
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings
	$(CARGO) clippy -p tidegate --all-targets --no-default-features --locked -- -D warnings

lint-docs: ready ## the documentation builds, and its links lead somewhere
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features --lib --locked

lint-go: lib-go ## gofmt and go vet have nothing to say
	@unformatted=$$(gofmt -l bindings/go); echo "$$unformatted" >&2; test -z "$$unformatted"
	cd bindings/go && go vet ./... && cd bench && go vet ./...

lint-python: ready ## the Python sources are formatted and pass ruff
	@scripts/doctor python
	@bindings/python/check lint

lint-node: ready ## the npm package's sources pass biome and tsc
	@scripts/doctor node
	cd bindings/node && npm ci --no-audit --no-fund --loglevel=error && npm run --silent lint

lock-python: ready ## pin the newest versions of what bindings/python asks for
	@scripts/doctor python
	@bindings/python/check lock

fmt: ready ## format the sources
	$(CARGO) fmt --all

clean: ## remove what was built
	$(CARGO) clean
