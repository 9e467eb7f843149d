# SPDX-License-Identifier: BSD-2-Clause
# What people type. The build itself is meson's; see meson.build and docs/architecture.md.

.DEFAULT_GOAL := help
.PHONY: help setup build demo test unit lint bench install clean

BUILD ?= build

help:
	@echo "make demo     install what is missing, build, show the transparent proxy at work (2 minutes)"
	@echo "make test     install what is missing, build with gcc, clang and sanitizers, run every test"
	@echo "make build    the release build only, in $(BUILD)/release"
	@echo "make unit     unit and simulation tests only (no namespaces needed)"
	@echo "make lint     the checks of the source tree"
	@echo "make bench    the benches; BENCH='--quick --json' is handed on"
	@echo "make install  install programs, library, headers, man pages: PREFIX=/usr/local, DESTDIR="
	@echo "make clean    remove $(BUILD)/"

setup:
	@scripts/setup

build: setup
	@scripts/build release

demo: build
	@scripts/demo

test: setup
	@scripts/test

unit: setup
	@scripts/test unit

lint: setup
	@scripts/test lint

bench:
	@{ scripts/setup && scripts/build release; } >&2
	@scripts/bench $(BENCH)

install: build
	$(if $(PREFIX),meson configure $(BUILD)/release -Dprefix=$(PREFIX))
	meson install -C $(BUILD)/release --quiet $(if $(DESTDIR),--destdir $(DESTDIR))
	$(if $(DESTDIR),,ldconfig)

clean:
	rm -rf $(BUILD)
