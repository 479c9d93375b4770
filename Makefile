# Centralino: `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
GO ?= go
BIN := bin/appliance
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
ARM64_MOST := 25000000
LDFLAGS := -s -w -X main.version=$(VERSION)
# Packages that no call waits for: built without inlining, they leave the program for
# boards half a megabyte smaller.
COLD := net/http crypto/tls crypto/x509 html/template text/template/... encoding/gob golang.org/x/text/... \
  codeberg.org/go-pdf/fpdf github.com/wneessen/go-mail/...
SMALL := $(foreach p,$(COLD),-gcflags '$(p)=-l')
export CGO_ENABLED ?= 0

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

build: ## build bin/appliance for this machine
	@mkdir -p bin
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/appliance

run: build ## build and start the box with simulated lines; nothing else to set up
	./$(BIN) serve -sim -data data

peers: ## get the test peers (Debian packages) that are missing
	@bash internal/testbed/peers.sh

test: peers ## get missing test peers, check, and run every test (about 15 minutes on two cores)
	@bash internal/testbed/test.sh

check: ## formatting, vet and the structure tests only
	@test -z "$$(gofmt -l cmd hal pbx acd ui board image internal)" || { gofmt -l cmd hal pbx acd ui board image internal; echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...
	$(GO) test -count=1 ./internal/arch

verify: peers ## what takes long: 500 kills, long simulations, ten busy minutes; prints a table of figures
	@bash internal/testbed/verify.sh

bench: ## benchmarks with allocations and ratios measured in one run; fails where a goal is missed
	@bash internal/testbed/bench.sh

cross: ## build for arm64, armv7, armv6 and amd64, print the stripped sizes; arm64 has 25 MB
	@for t in amd64: arm64: arm:7 arm:6; do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$${t%%:*} GOARM=$${t##*:} $(GO) build -trimpath $(SMALL) -ldflags '$(LDFLAGS)' -o bin/appliance-$${t%%:*}$${t##*:} ./cmd/appliance || exit 1; \
	done; ls -l bin/appliance-* | awk '{printf "%-24s %10d octets\n", $$9, $$5} $$9 ~ /arm64$$/ && $$5 > $(ARM64_MOST) {big = 1} END {if (big) {print "appliance-arm64 has more than $(ARM64_MOST) octets"; exit 1}}'

BOARD ?= rpi
IMAGE = bin/image/$(BOARD)
RELEASE ?= $(shell git rev-list --count HEAD 2>/dev/null || echo 0)
RELEASE_KEY ?= bin/development.key
SPARE_PUBLIC ?=
KERNEL ?=
PLACE ?=
MAKER ?=
IMAGE_TESTS ?= ^TestImage(Updates|Rescue)?$$
IMAGE_ARGS ?=
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 1795000000)

bin/development.key:
	@mkdir -p bin
	@$(GO) run ./image/bundle -new-key $@ >/dev/null
	@echo '$@ was made: images that are built without RELEASE_KEY=FILE take updates that it signs. Not for boxes of customers.'

program: $(RELEASE_KEY) # the program as the image of BOARD holds it
	@mkdir -p $(IMAGE)
	@keys=$$($(GO) run ./image/bundle -public $(RELEASE_KEY)) || exit 1; \
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -trimpath $(SMALL) -o $(IMAGE)/appliance \
	  -ldflags "$(LDFLAGS) -X main.image=$(BOARD) -X main.release=$(RELEASE) -X main.updateKeys=$$keys$(SPARE_PUBLIC:%=,%)" ./cmd/appliance

image: program ## build the flashable image of BOARD (rpi, qemu-virt, qemu-raspi3b) and its update in bin/image
	$(GO) run ./image -board $(BOARD) -program $(IMAGE)/appliance -version $(VERSION) -release $(RELEASE) -key $(RELEASE_KEY) $(KERNEL:%=-kernel %) $(PLACE:%=-place %) $(if $(MAKER),-maker '$(MAKER)') -publish
	@test '$(RELEASE_KEY)' != bin/development.key || echo 'Signed with $(RELEASE_KEY), a key for development; give RELEASE_KEY=FILE for a release.'

image-test: override BOARD := qemu-virt
image-test: program ## build the image of qemu-virt twice, compare, start it in QEMU, update and rescue it (about 10 minutes)
	@bash internal/testbed/peers.sh image
	$(GO) vet -tags imagetest ./image
	CENTRALINO_PROGRAM=$(CURDIR)/$(IMAGE)/appliance CENTRALINO_KEY=$(abspath $(RELEASE_KEY)) CENTRALINO_RELEASE=$(RELEASE) CENTRALINO_COLD='$(COLD)' \
	  $(GO) test -tags imagetest -count=1 -v -timeout 60m -run '$(IMAGE_TESTS)' ./image $(IMAGE_ARGS)

prompts: ## make the spoken prompts anew with espeak-ng and sox
	@bash internal/audio/prompts/make.sh

fuzz: ## run every fuzz target for ten seconds
	@bash internal/testbed/fuzz.sh

clean: ## remove what was built (never the data folder)
	rm -rf bin

.PHONY: help build run peers test check verify bench cross program image image-test prompts fuzz clean
