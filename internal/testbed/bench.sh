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
code=0
# goals reads the output of Go benchmarks and prints those figures that have a goal.
goals() {
  awk '
    function best(k, x, lower) { if (!(k in v) || (lower ? x < v[k] : x > v[k])) v[k] = x }
    /^BenchmarkCalls/ { for (i = 3; i <= NF; i++) if ($i == "calls/cpu-s") best("calls " $1, $(i-1), 0) }
    /^BenchmarkDecisionWithSkills/ { for (i = 3; i <= NF; i++) {
      if ($i == "p99-wall-ns") best("decision", $(i-1), 1)
      if ($i == "allocs/op") best("allocs", $(i-1), 1) } }
    /^BenchmarkMonth\// { for (i = 3; i <= NF; i++) if ($i == "ns/op") best("month " $1, $(i-1) / 1e6, 1) }
    /^BenchmarkMonthFromDisk/ { for (i = 3; i <= NF; i++) if ($i == "ns/op") best("disk", $(i-1) / 1e6, 1) }
    /^BenchmarkRestart/ { for (i = 3; i <= NF; i++) if ($i == "ns/op") best("restart", $(i-1) / 1e6, 1) }
    /^BenchmarkEventToTwentyBrowsers/ { for (i = 3; i <= NF; i++) if ($i == "p99-ms") best("browsers " $1, $(i-1), 1) }
    function line(what, value, goal, ok) { printf "| %s | %s | %s | %s |\n", what, value, goal, ok ? "reached" : "NOT reached"; if (!ok) missed = 1 }
    END {
      for (k in v) {
        if (k ~ /^calls/) { settings++; seconds += 1 / v[k] }
        if (k ~ /^browsers/ && v[k] > late) late = v[k]
        if (k ~ /^month/ && v[k] > month) month = v[k]
      }
      printf "\n| figure | measured | goal | |\n| --- | --- | --- | --- |\n"
      calls = seconds > 0 ? settings / seconds : 0
      line("simulated calls a second of one core, over " settings " settings", int(calls), ">= 1000000", calls >= 1e6)
      line("decision at 1,000 waiting, 200 agents, 16 skills, p99", v["decision"] " ns", "<= 5000 ns", v["decision"] > 0 && v["decision"] <= 5000)
      line("allocations of a decision", v["allocs"], "0", ("allocs" in v) && v["allocs"] == 0)
      line("event to the last of twenty browsers, p99", late " ms", "<= 250 ms", late > 0 && late <= 250)
      line("slowest report of a month of 100,000 contacts", int(month) " ms", "<= 1000 ms", month > 0 && month <= 1000)
      line("that month read from the disk, and its report by queue", int(v["disk"]) " ms", "<= 1000 ms", v["disk"] > 0 && v["disk"] <= 1000)
      line("restart until 100 waiting callers are back in order", int(v["restart"]) " ms", "<= 2000 ms", v["restart"] > 0 && v["restart"] <= 2000)
      exit missed
    }'
}
if [ -z "$only" ] || [ "$only" = go ]; then
  log=$(mktemp)
  go test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-0.1s}" \
    ./pbx/media ./pbx/sip ./pbx/dialog ./pbx/registrar ./pbx/route ./acd ./acd/engine \
    ./internal/journal ./internal/audio ./hal/voicemodem >"$log" 2>&1 || code=$?
  # Those with a goal: several times, of which the least disturbed counts. Simulated calls
  # come in short slices, since neighbours on the host slow a core down for seconds.
  go test -run '^$' -bench '^BenchmarkCalls$' -benchmem -benchtime 100000x -count 20 ./acd/sim >>"$log" 2>&1 || code=$?
  go test -run '^$' -bench '^BenchmarkDecisionWithSkills$' -benchmem -benchtime 200000x -count 3 ./acd/engine >>"$log" 2>&1 || code=$?
  go test -run '^$' -bench '^BenchmarkEventToTwentyBrowsers$' -benchtime 100x -count 3 ./ui >>"$log" 2>&1 || code=$?
  go test -run '^$' -bench '^(BenchmarkMonth|BenchmarkMonthFromDisk|BenchmarkRestart)$' -benchtime 5x -count 3 ./acd/report ./acd >>"$log" 2>&1 || code=$?
  grep -E '^(Benchmark|pkg:|FAIL|---)' "$log" || true
  [ "$code" = 0 ] || { echo "a benchmark failed:"; grep -vE '^(Benchmark|pkg:|ok|PASS|goos|goarch|cpu)' "$log"; rm -f "$log"; exit 1; }
  goals <"$log" || code=1
  rm -f "$log"
  [ -z "$only" ] || exit "$code"
fi
kit=$PWD/../shared/tools/perf
if [ ! -d "$kit" ]; then
  echo "the measuring kit (../shared/tools/perf) is not here: the box is not measured from outside"
  exit "$code"
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -trimpath -ldflags '-s -w' -o "$dir/appliance" ./cmd/appliance
GOOS=linux GOARCH=arm64 go build -trimpath -ldflags '-s -w' -o "$dir/appliance-arm64" ./cmd/appliance
go build -o "$dir/bench" ./internal/testbed/bench
(cd "$kit/boxload" && go build -o "$dir/boxload" .)
(cd "$kit/limits/udp" && go build -o "$dir/udp" .)
"$dir/bench" -kit "$kit" -build "$dir" -app "$dir/appliance" -arm64 "$dir/appliance-arm64" -rounds "${ROUNDS:-3}" -only "$only"
exit "$code"
