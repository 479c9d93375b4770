#!/usr/bin/env bash
# What `make bench` runs, about ten minutes: (a) Go benchmarks with allocations where
# speed matters, (b) with the measuring kit beside the checkout, the box from outside
# against its goals, taking turns with the kit's bare relay and with Kamailio and
# rtpengine (Debian: kamailio, rtpengine-daemon), all on loopback.
#   BENCHTIME  time of one Go benchmark (0.1s)    ROUNDS  turns of each box (3)
#   ONLY       go, start, media, calls, queue, register or storm: only that part
set -euo pipefail
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0
only=${ONLY:-}
if [ -z "$only" ] || [ "$only" = go ]; then
  go test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-0.1s}" \
    ./pbx/media ./pbx/sip ./pbx/dialog ./pbx/registrar ./pbx/route ./acd ./acd/engine \
    ./internal/journal ./internal/audio ./hal/voicemodem | grep -E '^(Benchmark|pkg:|FAIL|---)' || true
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
