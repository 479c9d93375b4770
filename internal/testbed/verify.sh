#!/usr/bin/env bash
# What `make verify` runs, about two hours on two cores: the tests whose worth
# grows with time, at length. It prints how far they have come and a table of figures
# with date and commit, and fails when a part fails or runs no test at all.
#   KILLS  SEEDS  HOURS (virtual, of each seed)  TALK (speech)  ROUNDS (vgetty)  SOAK (minutes)
#   FLIPS (bits of a bundle)  CUTS (outcomes of a power cut at each step of an update)
#   AGENTS  CALLERS  CALLING (how long they call: reports against the capture)
#   CHECKS (random runs that hold the ACD to its promises)  WORLDS (offices of each sort
#   that the gate is tried on)  GATE_SEED (by which lot they are drawn: the date)
#   ONLY  box, image or clock (what has a clock of its own): only those parts
#   POWERCUTS (of the image in QEMU while it updates itself)  LOGCUTS (in the log of the
#   writes of its disk)  IDLE (how long the writes of its box at rest are counted)
set -uo pipefail
cd "$(dirname "$0")/../.."
only=${ONLY:-}
case $only in '' | box | image | clock) ;; *) echo "ONLY is box, image or clock, not $only"; exit 2 ;; esac
parts() { [ -z "$only" ] || [ "$only" = "$1" ]; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
run() { # minutes, package, arguments …
  local minutes=$1 room=$2
  shift 2
  try "$room $*" go test -count=1 -v -timeout "${minutes}m" "$room" "$@"
}
image() { # tests, arguments …; where QEMU cannot be had they are left out and say so
  try "./image $*" make -s image-test IMAGE_TESTS="$1" IMAGE_ARGS="${*:2}"
}
try() { # what it is, command …
  local part
  part=$(mktemp)
  echo "== $(date -u +%T) $1"
  if ! "${@:2}" 2>&1 | tee "$part" | { grep -a --line-buffered '^PROGRESS' || true; }; then
    code=1
    grep -avE '^=== (RUN|PAUSE|CONT)|--- PASS|: repeat with|: calls in [0-9]+, by trunk' "$part" | tail -n 1000
  elif ! grep -aqE '^ *--- (PASS|SKIP)' "$part"; then
    code=1
    echo "no test ran: its name may have changed"
  else
    grep -aE '^ok|--- SKIP|left out: ' "$part"
  fi
  cat "$part" >>"$log"
  rm -f "$part"
}
# What other work on the machine disturbs comes first.
if parts box; then
  run 40 ./cmd/appliance -run '^TestKilledUnderTraffic$' -kills "${KILLS:-500}"
  run 5 ./cmd/appliance -run '^(TestDamagedDatabase|TestMissingLogOfTheDatabase|TestUnusableDataFolder|TestFullDisk|TestStartOnAFullDisk)$'
  run $((${SOAK:-10} + 10)) ./cmd/appliance -run '^TestSoak$' -soak "${SOAK:-10}m"
  run 15 ./cmd/appliance -run '^TestReportsEqualTheCapture$' -report-agents "${AGENTS:-10}" -report-callers "${CALLERS:-60}" -report-for "${CALLING:-5m}"
  CENTRALINO_KILLS=${KILLS:-500} run 10 ./internal/journal -run '^TestKilledAtAnyMoment'
  run 15 ./hal/sim -run '^(TestVM|TestVgetty)' -count "${ROUNDS:-5}"
fi
if parts image; then
  image '^Test(ImageOffice|Swap|ImageRaspi3b)$$' -idle "${IDLE:-5m}"
  image '^TestImage(Updates|Rescue|StickUpdate|RescueRestore|ButtonReset)$$'
  image '^TestImagePowerCuts$$' -powercuts "${POWERCUTS:-20}"
  image '^TestImageWriteLog$$' -logcuts "${LOGCUTS:-500}"
  image '^TestImageTroubledCards$$'
fi
# What follows has a clock of its own and minds no other work on the machine.
if parts clock; then
  GOGC=400 run 100 ./cmd/appliance -run '^TestWholeBox$' -simseeds "${SEEDS:-1000}" -simhours "${HOURS:-0.5}" -simminutes 90 -parallel 4
  run 15 ./acd/sim -calls 1000000 -days 365
  run 30 ./acd/kpi -run '^TestBoardEqualsReport$' -days 365
  run 30 ./ui/live -run '^TestBoardEqualsEngineAndReport$' -days 365
  run 10 ./board/update -run '^Test(BitFlips|PowerCutAnywhere)$' -flips "${FLIPS:-1000}" -cuts "${CUTS:-20}"
  run 15 ./acd/engine -run '^(TestPromises|TestSameCommandsSameDecisions|TestJournalWithHoles)$' -rapid.checks "${CHECKS:-5000}"
  run 5 ./acd/kpi -rapid.checks "$((4 * ${CHECKS:-5000}))"
  GATE_WORLDS=${WORLDS:-20} GATE_SEED=${GATE_SEED:-$(date +%Y%m%d)} run 60 ./ui -run '^(TestGate|TestNoPageRanksPeople)$'
  run 10 ./internal/audio -run '^TestTalkOff$' -talk "${TALK:-4h}"
fi
echo
echo "Figures of $(date -u +%F), commit $(git describe --always --dirty 2>/dev/null || echo unknown), $(uname -m), $(nproc) cores"
echo
grep -a 'FIGURE' "$log" | sed 's/^.*FIGURE\t//' |
  awk -F'\t' 'BEGIN { printf "| figure | value | unit |\n|---|---|---|\n" } { printf "| %s | %s | %s |\n", $1, $2, $3 }'
if parts box; then
  printf '| sessions of vgetty and vm with the modem simulator | %d of %d | sessions |\n' \
    "$(grep -acE '^--- PASS: Test(VM|Vgetty)' "$log")" "$(grep -acE '^--- (PASS|FAIL): Test(VM|Vgetty)' "$log")"
fi
printf '| tests that failed | %d | tests |\n' "$(grep -acE '^--- FAIL' "$log")"
printf '| tests that were left out | %d | tests |\n' "$(grep -acE '^ *--- SKIP' "$log")"
exit "$code"
