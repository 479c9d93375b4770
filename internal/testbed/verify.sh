#!/usr/bin/env bash
# What `make verify` runs: the tests that make test runs short, at full size, one after
# the other, and a table of what came of them for the README's figures.
#   KILLS (500)  SEEDS (200)  HOURS (1, virtual, per seed)  CALLS (1000000 per setting)
#   ONLY=name    run that row alone
set -uo pipefail
cd "$(dirname "$0")/../.."
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
table=()
code=0

# row NAME LIMIT PACKAGE ARGS...: one run, bounded in time, and its line of the table.
row() {
  local name=$1 limit=$2 package=$3 began=$SECONDS result=passed
  shift 3
  [ -z "${ONLY:-}" ] || [ "$ONLY" = "$name" ] || return 0
  echo "== $name"
  if ! timeout "$limit" go test -count=1 -timeout "$limit" "$package" -v "$@" >"$log/$name" 2>&1; then
    result=FAILED code=1
    grep -E '^\s*(--- FAIL|panic:)|_test\.go:' "$log/$name" | head -30
  fi
  local runs
  runs=$(grep -cE '^\s*--- PASS' "$log/$name")
  table+=("$(printf '%-12s %-7s %5s passed  %6s s  %s' "$name" "$result" "$runs" "$((SECONDS - began))" "$*")")
}

row kills 45m ./cmd/appliance -run '^TestKilled' -kills "${KILLS:-500}"
CENTRALINO_KILLS="${KILLS:-500}" row journal 15m ./internal/journal -run "^TestKilled"
row world 60m ./cmd/appliance -run '^TestWholeBox' -simseeds "${SEEDS:-200}" -simhours "${HOURS:-1}"
row theory 30m ./acd/sim -calls "${CALLS:-1000000}"
row vgetty 15m ./hal/sim -run "^TestV(M|getty)" -count 3

printf '\n%s, commit %s, %s cores, %s\n' "$(date -u +%F)" "$(git rev-parse --short HEAD)" "$(nproc)" "$(go env GOVERSION)"
printf '%s\n' "${table[@]}"
exit "$code"
