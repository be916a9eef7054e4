# A thin layer over Meson and scripts/. `make help` lists what there is.
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# The tests need Debian's own Python, whatever else comes first on PATH.
PYTHON := /usr/bin/python3

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 18

# $(call build,DIRECTORY,OPTIONS): configures once, then builds what changed.
define build
@[ -f $(1)/build.ninja ] || { rm -rf $(1); CC=gcc meson setup $(1) $(2); }
@ninja -C $(1) $(3)
endef

packages:
	@scripts/install-packages build

test-packages:
	@scripts/install-packages build test

build: packages ## build/action-scheduler: optimised, hardened
	$(call build,build,-Dtests=false)

build-test-clock: packages ## build-test-clock/action-scheduler: the same with a clock that tests can move
	$(call build,build-test-clock,-Dtests=false -Dtest_clock=true)

# PREFIX and DESTDIR as usual; what runs is that of `make build`.
PREFIX ?= /usr/local
install: build ## the program, man pages, completions, unit of systemd, header: PREFIX (/usr/local), DESTDIR
	@meson configure build -Dprefix=$(PREFIX)
	@meson install -C build --destdir "$(abspath $(DESTDIR))"

# Kept between runs: running again takes up where it was.
run: build ## install what is missing, build, and run the trivial sample in ./scratch until Ctrl-C
	@mkdir -p scratch
	@echo 'Running in ./scratch; Ctrl-C ends it.' >&2
	@cd scratch && exec ../build/action-scheduler --config ../sample_configs/trivial/config.yaml run

test: test-packages ## everything; the last line counts what passed, failed and was skipped
	@$(PYTHON) scripts/test

check-fast: test-packages ## the inner loop: debug build, unit tests, include arrows, format
	@scripts/check-includes
	@scripts/check-format
	$(call build,build-debug,-Ddebug=true -Doptimization=1 -Dhardening=false -Dwerror=true)
	@meson test -C build-debug --no-rebuild --suite unit --print-errorlogs

torture: test-packages ## the simulation with many more seeds, the fuzz targets for much longer
	@$(PYTHON) scripts/test --torture

bench: test-packages build ## what it costs, beside a bare floor and APScheduler
	@scripts/bench

format: ## clang-format on every C file
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove every build directory (not ./scratch)
	rm -rf build build-*

.PHONY: help install packages test-packages build build-test-clock run test check-fast torture bench format clean
