#!/bin/sh
# Makes docs/report.png: the first screen of the sample's report, below 200 kB.
# Needs Chromium and pngquant; run it from the root after `make run`.
set -eu
work=$(mktemp -d)
for _ in 1 2; do # the second run knows how long each analyzer takes
  .venv/bin/colloquy pipeline=meeting output.dir="$work" output.console=quiet
done
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
  --disable-background-networking --disable-component-update --disable-sync \
  --user-data-dir="$work/profile" --window-size=1300,1950 --hide-scrollbars \
  --screenshot="$work/page.png" "file://$(ls -d "$work"/runs/* | tail -1)/report.html"
pngquant --force --output docs/report.png 64 "$work/page.png"
rm -r "$work"
