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
# Sound is real time: where the machine itself was taken away for a moment, what
# failed runs once more by itself, and both results stand in the output.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! go test -count=1 -timeout 12m -parallel 2 ./cmd/appliance 2>&1 | tee "$log"; then
  failed=$(grep -oE '^--- FAIL: [A-Za-z0-9_]+' "$log" | awk '{print $3}' | paste -sd'|')
  echo "once more: ${failed:-everything}"
  go test -count=1 -timeout 10m -parallel 1 -run "^(${failed:-.*})\$" ./cmd/appliance || code=$?
fi
exit "$code"
