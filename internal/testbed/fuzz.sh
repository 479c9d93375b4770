#!/usr/bin/env bash
# Runs every fuzz target for a few seconds (FUZZTIME, 10s by default).
set -euo pipefail
cd "$(dirname "$0")/../.."
go list -f '{{.Dir}}' ./... | while read -r dir; do
  for target in $(grep -hoE '^func (Fuzz[A-Za-z0-9_]+)' "$dir"/*_test.go 2>/dev/null | awk '{print $2}'); do
    echo "== ${dir#"$PWD"/} $target"
    (cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" .)
  done
done
