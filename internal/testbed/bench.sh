#!/usr/bin/env bash
# What `make bench` runs, about ten minutes on a quiet machine, up to half an hour on
# a disturbed one: (a) Go benchmarks with allocations where speed matters, (b) with
# the measuring kit beside the checkout, the box from outside against its goals,
# taking turns with the kit's bare relay and with Kamailio and rtpengine (Debian:
# kamailio, rtpengine-daemon), all on loopback.
# It fails when a Go benchmark fails or a goal is not reached (1), or when a figure is
# missing because the host took the machine's time in every round (2).
#   BENCHTIME  time of one Go benchmark (0.1s)    ROUNDS  clean turns of each box (3)
#   ONLY       go, start, media, calls, queue, register or storm: only that part
set -euo pipefail
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0
only=${ONLY:-}
if [ -z "$only" ] || [ "$only" = go ]; then
  log=$(mktemp)
  code=0
  go test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-0.1s}" \
    ./pbx/media ./pbx/sip ./pbx/dialog ./pbx/registrar ./pbx/route ./acd ./acd/engine \
    ./internal/journal ./internal/audio ./hal/voicemodem >"$log" 2>&1 || code=$?
  grep -E '^(Benchmark|pkg:|FAIL|---)' "$log" || true
  [ "$code" = 0 ] || { echo "a benchmark failed:"; grep -vE '^(Benchmark|pkg:|ok|PASS|goos|goarch|cpu)' "$log"; rm -f "$log"; exit 1; }
  rm -f "$log"
  [ -z "$only" ] || exit 0
fi
kit=$PWD/../shared/tools/perf
if [ ! -d "$kit" ]; then
  echo "the measuring kit (../shared/tools/perf) is not here: the box is not measured from outside"
  exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -trimpath -ldflags '-s -w' -o "$dir/appliance" ./cmd/appliance
GOOS=linux GOARCH=arm64 go build -trimpath -ldflags '-s -w' -o "$dir/appliance-arm64" ./cmd/appliance
go build -o "$dir/bench" ./internal/testbed/bench
(cd "$kit/boxload" && go build -o "$dir/boxload" .)
(cd "$kit/limits/udp" && go build -o "$dir/udp" .)
"$dir/bench" -kit "$kit" -build "$dir" -app "$dir/appliance" -arm64 "$dir/appliance-arm64" -rounds "${ROUNDS:-3}" -only "$only"
