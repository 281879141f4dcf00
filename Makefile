# Two commands do everything on a fresh machine:
#   make demo   installs what is missing, builds, runs lesson 05 on the local region
#   make test   the same set-up, then all tests but those of `make mutations` and `make many`
# `make help` lists the others.

# Outside the clone, so that a second clone need not build everything again.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/lab/target
ORACLE := $(HOME)/.cache/lab/oracle
BROWSER := $(HOME)/.cache/lab/browser
LAB := $(CARGO_TARGET_DIR)/debug/lab
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help setup clone build demo book test check verify mutations many kills bench oracle browser install
.DEFAULT_GOAL := help

help:
	@echo 'make demo     install what is missing, build, run lesson 05 on the local region'
	@echo 'make test     the same set-up, then all tests but those of make mutations and make many'
	@echo 'make book     the course as a book, in target/book'
	@echo 'make check    formatting, clippy, rustdoc, lessons'
	@echo 'make verify   build, then lab verify --fresh'
	@echo 'make mutations  all that lab verify must notice, half an hour of real runs'
	@echo 'make many     a hundred instances at once; sets a limit of the host, so nothing else of lab may run'
	@echo 'make kills    the daemon killed a hundred times, and its disk broken, with nothing lost; some minutes'
	@echo 'make bench    the measurements of benches/RESULTS.md'
	@echo 'make install  put lab into the directory of cargo install'

setup:
	@tools/setup $(SUDO)

# Tests find their files by the path that they were built at; cargo does not notice that another clone shares its target.
clone:
	@if [ "$$(cat $(CARGO_TARGET_DIR)/clone 2>/dev/null)" != "$(CURDIR)" ]; then \
	  mkdir -p $(CARGO_TARGET_DIR); cargo clean --locked --quiet -p lab; echo "$(CURDIR)" > $(CARGO_TARGET_DIR)/clone; fi

build: setup clone
	cargo build --locked

demo: build
	$(LAB) run lessons/05-private-subnet.md --again
	@echo
	@echo 'Look around with: $(LAB) ssh web, $(LAB) shell, $(LAB) status. Take everything away with: $(LAB) down'

# Python programs that the tests hold lab against: botocore, boto3, the AWS CLI.
oracle: setup
	@tools/oracle $(ORACLE)

# Node.js and Playwright, with which the tests look at the book.
browser: setup
	@tools/browser $(BROWSER)

book: build
	$(LAB) book build

test: build oracle browser
	LAB_ORACLE_PYTHON=$(ORACLE)/bin/python LAB_BROWSER=$(BROWSER) $(if $(SUDO),CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='sudo -E') \
	  cargo test --locked --no-fail-fast

check: setup clone
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --quiet
	$(MAKE) --no-print-directory build
	$(LAB) lint

verify: build
	$(LAB) verify --fresh

mutations: build
	$(if $(SUDO),CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='sudo -E') \
	  cargo test --locked --test it every_mutation_of -- --ignored --nocapture

many: build
	$(if $(SUDO),CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='sudo -E') \
	  cargo test --locked --test it a_hundred_instances -- --ignored --nocapture

kills: build
	$(if $(SUDO),CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='sudo -E') \
	  cargo test --locked --test it -- durability a_block_that_is_killed_anywhere --include-ignored --nocapture

bench: build oracle
	LAB_ORACLE_PYTHON=$(ORACLE)/bin/python cargo bench --locked --profile dev --bench lab --bench api

install: setup
	cargo install --locked --path . --debug
