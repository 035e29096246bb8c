"""Reading of large texts: seconds of CPU by size, which must grow in proportion.

python -m benchmarks.reading [WORDS]
"""

import sys
import time

from runner.transcript.read import read_text

WORDS = 1_000_000
SAID = "some words that are said here and there, yes and no"
LAYOUTS = {
    "label in the line": "Ana: {said}\nBo: {said}\n",
    "label and time above": "Ana  0:01\n{said}\n\nBo  0:02\n{said}\n\n",
    "time and label above": "0:01 - Ana\n{said}\n\n0:02 - Bo\n{said}\n\n",
    "label above": "Ana\n{said}\n\nBo\n{said}\n\n",
    "bold label and time": "**Ana** [00:00:01]: {said}\n\n**Bo** [00:00:02]: {said}\n\n",
    "chat": "[18/09/2026, 10:02:03] Ana: {said}\n[18/09/2026, 10:02:04] Bo: {said}\n",
    "no speakers": "{said}\n{said}\n\n",
    "one line": "{said} {said} ",
}


def seconds(turns: str, words: int) -> float:
    """Return the seconds of CPU that reading *words* in the form *turns* takes."""
    text = turns.format(said=SAID) * (words // (2 * len(SAID.split())))
    began = time.process_time()
    read_text(text, name="benchmark")
    return time.process_time() - began


def main() -> None:
    """Print a line for each layout."""
    words = int(sys.argv[1]) if len(sys.argv) > 1 else WORDS
    for name, turns in LAYOUTS.items():
        half, whole = seconds(turns, words // 2), seconds(turns, words)
        print(f"{name:<22} {words:,} words {whole:6.2f} s, half of them {half:6.2f} s")


if __name__ == "__main__":
    main()
