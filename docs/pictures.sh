#!/bin/sh
# Makes docs/report.png, batch.png and comparison.png: the first screens of a run's, a batch's and
# a sweep's page, each below 200 kB. Needs Chromium and pngquant; run it from the root after
# `make run`. Takes about a minute.
set -eu
root=$PWD work=$(mktemp -d)
cd "$work"
colloquy() { "$root/.venv/bin/colloquy" pipeline=meeting output.console=quiet "$@"; }
picture() { # NAME HEIGHT PAGE
  chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir=profile --window-size="1300,$2" --hide-scrollbars \
    --screenshot=page.png "file://$work/$3"
  pngquant --force --output "$root/docs/$1.png" 64 page.png
}

for _ in 1 2; do colloquy; done # the second run knows how long each analyzer takes
picture report 1950 "$(ls -d outputs/runs/* | tail -1)/report.html"

mkdir talks
cp "$root/samples/sample1.md" talks
cat >talks/kitchen.vtt <<'END'
WEBVTT

00:00:04.000 --> 00:00:11.000
<v Rosa Lima>The new oven has arrived, and the old one has to be gone before the inspection on Monday.

00:00:12.000 --> 00:00:19.000
<v Paul Adler>I'll call the scrap dealer today and book him for Friday.

00:00:20.000 --> 00:00:28.000
<v Rosa Lima>We agreed to open on Tuesday with the short menu.

00:00:29.000 --> 00:00:33.000
<v Paul Adler>Agreed, if the extractor hood is certified by then.

00:00:34.000 --> 00:00:42.000
<v Mina Sato>I disagree. Our regulars come for the soup, and it isn't on that menu.

00:00:43.000 --> 00:00:50.000
<v Rosa Lima>Who pays for the second inspection if the hood fails?

00:00:51.000 --> 00:00:58.000
<v Mina Sato>We don't know yet. I'll ask the landlord tomorrow.
END
cat >talks/library.vtt <<'END'
WEBVTT

00:00:03.000 --> 00:00:12.000
<v Ivo Brandt>Half of the readers' complaints are about noise on the second floor.

00:00:13.000 --> 00:00:21.000
<v Clara Nunez>We agreed to move the children's corner to the ground floor in June.

00:00:22.000 --> 00:00:30.000
<v Ivo Brandt>I will measure the noise for two weeks and send you the figures by Friday.

00:00:31.000 --> 00:00:39.000
<v Clara Nunez>Nobody knows whether the floor carries the shelves. Could you ask the architect?

00:00:40.000 --> 00:00:46.000
<v Ivo Brandt>Yes, I'll write to her this afternoon.
END
: >talks/unfinished.txt
colloquy transcript=talks || test $? = 3 # one file is empty
picture batch 1700 "$(ls -d outputs/batches/*)/report.html"

colloquy -m model=simulated model.input_usd_per_mtok=0.4 model.output_usd_per_mtok=1.6 \
  processing.max_concurrent=1,2,4 repeat=0,1,2
picture comparison 1130 "$(ls outputs/sweeps/*/comparison.html)"
rm -r "$work"
