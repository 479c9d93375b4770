#!/usr/bin/env bash
# What `make test` runs: formatting, vet, every test, side by side on the cores
# that are there. What failed and what was left out stands in the output; with
# CI=true nothing is left out for want of a peer or a right: it fails (need.go).
set -euo pipefail
cd "$(dirname "$0")/../.."
# Sound is real time, and the machine may be taken away for a moment: these tests,
# whose verdict is AssertHears, run once more by themselves when they fail, must pass
# then, and both results stand in the output. No other test does, and none after a
# panic or a time limit. internal/arch keeps this list true.
EAR="TestAttendedTransferWithRealPhones TestBlindTransferWithRealPhones TestCallBackAndSurvey TestHoldAndResume TestInsideCall TestMainJobFromLineToAgent TestOutwardCall \
  TestQueueWithTwoAgents TestTrunkInward TestTrunkOutward"
bad=$(gofmt -l cmd hal pbx acd ui board image internal)
[ -z "$bad" ] || { echo "not gofmt'ed: $bad"; exit 1; }
go vet ./...
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/report" ./internal/testbed/report
code=0
run() { # tests that must pass (empty: none by name), arguments of go test; its exit code ends the stream of events
  local must=$1
  shift
  { go test -json -count=1 "$@" && c=0 || c=$?; echo "{\"Action\":\"exit\",\"Code\":$c}"; } |
    "$work/report" -ear "$EAR" -must "$must" -again "$work/again" -skips "$work/skips"
}
# The whole box with real phones is judged by ear: it gets the machine for itself.
all=$(go list ./...)
rooms=$(grep -v '/cmd/appliance$' <<<"$all")
# shellcheck disable=SC2086 # one word a package
run '' -timeout 15m $rooms || code=1
run '' -timeout 20m -parallel 2 ./cmd/appliance || box=$?
if [ "${box:-0}" = 3 ]; then
  names=$(cat "$work/again")
  echo "once more: $names"
  box=0
  run "$names" -timeout 10m -parallel 1 -run "^(${names// /|})\$" ./cmd/appliance || box=1
fi
[ "${box:-0}" = 0 ] || code=1
if [ -s "$work/skips" ]; then
  n=$(wc -l <"$work/skips")
  echo "$n test$([ "$n" = 1 ] && echo ' was' || echo 's were') left out, whole or in part:"
  sed 's/^/  /' "$work/skips"
else
  echo "nothing was left out"
fi
exit "$code"
