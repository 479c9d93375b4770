#!/usr/bin/env bash
# What `make test` runs: formatting, vet, every test, side by side on the cores
# that are there. peers.sh has said before what is left out for want of a peer.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=$(gofmt -l cmd hal pbx acd ui board internal)
[ -z "$bad" ] || { echo "not gofmt'ed: $bad"; exit 1; }
go vet ./...
code=0
# The whole box with real phones is judged by ear: it gets the machine for itself.
rooms=$(go list ./... | grep -v '/cmd/appliance$')
# shellcheck disable=SC2086 # one word a package
go test -count=1 -timeout 10m $rooms || code=$?
go test -count=1 -timeout 12m -parallel 3 ./cmd/appliance || code=$?
exit "$code"
