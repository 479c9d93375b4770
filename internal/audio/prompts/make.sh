#!/bin/bash
# Speaks sentences.tsv with espeak-ng and plays the music on hold with sox, into
# ADPCM at 8 kHz: it/NAME.ima.gz, en/NAME.ima.gz and music.ima beside this
# script. Needs the Debian packages espeak-ng and sox, and Go. The output is the same each time.
set -euo pipefail
cd "$(dirname "$0")"
for tool in espeak-ng sox; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install espeak-ng sox" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
raw=(-t raw -r 8000 -c 1 -e a-law -b 8)

say() { # voice speed text file
  espeak-ng -v "$1" -s "$2" -p 42 -w "$work/say.wav" -- "$3"
  # telephone band, silence cut off at both ends, even loudness, peak -3 dB
  sox -R -D "$work/say.wav" "${raw[@]}" "$4" \
    gain -n -6 rate 8000 highpass 220 \
    silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse \
    compand 0.005,0.15 -60,-60,-40,-28,-20,-14,0,-6 -3 -40 0.01 \
    gain -n -3 pad 0.03 0.12
}

mkdir -p it en "$work/spoken/it" "$work/spoken/en"
while IFS=$'\t' read -r name it en; do
  case $name in '#'*|'') continue;; esac
  say it 182 "$it" "$work/spoken/it/$name.al"
  say en-gb 176 "$en" "$work/spoken/en/$name.al"
done < sentences.tsv

# Music on hold: a plucked arpeggio over eight bars of our own, 20 s, made to loop.
bar() { # file, then six notes
  local out=$1 n args=(); shift
  for n in "$@"; do args+=(pluck "$n"); done
  sox -R -D -n -r 16000 -c 6 "$out" synth 2.5 "${args[@]}" \
    delay 0 0.4 0.8 1.2 1.7 2.1 remix - fade t 0.01 2.5 0.3 trim 0 2.5
}
n=0
while read -r notes; do
  n=$((n + 1))
  # shellcheck disable=SC2086
  bar "$work/bar$n.wav" $notes
done <<'NOTES'
C4 E4 G4 C5 G4 E4
A3 C4 E4 A4 E4 C4
F3 A3 C4 F4 C4 A3
G3 B3 D4 G4 D4 B3
C4 G4 E4 C5 E4 G4
A3 E4 C4 A4 C4 E4
D4 F4 A4 D5 A4 F4
G3 D4 B3 G4 F4 D4
NOTES
sox -R -D "$work"/bar?.wav "${raw[@]}" "$work/spoken/music.al" gain -3 rate 8000 highpass 180 lowpass 3000 gain -n -12

go test -count=1 -run '^TestPack$' . -pack "$work/spoken"
for f in it/*.ima.gz en/*.ima.gz; do # what is no longer in the table
  [ -f "$work/spoken/${f%.ima.gz}.al" ] || rm "$f"
done
du -bc it en music.ima | tail -1
