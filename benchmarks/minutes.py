"""Actions and decisions that the offline reader finds in labelled meetings.

    python -m benchmarks.minutes [FILE ...]

A FILE has meetings as benchmarks/minutes.txt has them: `== NAME`, then one turn a line, with its
label behind it. An action counts as found where the right turn is cited, its owner and its date
where they are the labelled ones.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.base.format import aligned
from runner.providers.offline.document import Document, Utterance
from runner.providers.offline.synthesis.minutes import take_minutes

_LABEL = re.compile(r"\s+#(action|decision|no)(?:-((?:two-)?before))?(?: (.*))?$")


@dataclass(frozen=True)
class Labelled:
    """One meeting: its turns, the turns that hold actions (owner, due) and those of decisions."""

    name: str
    lines: tuple[Utterance, ...]
    actions: dict[str, tuple[str | None, str | None]]
    decisions: frozenset[str]


def read_meetings(text: str) -> Iterator[Labelled]:
    """Yield the meetings in *text*."""
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        name, *rows = part.strip().split("\n")
        lines: list[Utterance] = []
        actions: dict[str, tuple[str | None, str | None]] = {}
        decisions: set[str] = set()
        for number, row in enumerate(rows, 1):
            label, said = _LABEL.search(row), _LABEL.sub("", row)
            speaker, _, words = said.partition(": ")
            lines.append(Utterance(f"S{number:04d}", speaker, words))
            back = {None: 0, "before": 1, "two-before": 2}[label[2] if label else None]
            if label and label[1] == "action":
                owner, due = (None if v == "-" else v for v in label[3].split(" | "))
                actions[f"S{number:04d}"] = (owner, due)
            elif label and label[1] == "decision":
                decisions.add(f"S{number - back:04d}")
        yield Labelled(name, tuple(lines), actions, frozenset(decisions))


def counts(meeting: Labelled) -> dict[str, tuple[int, int, int]]:
    """Return (found and right, found, labelled) of actions, owners, dates and decisions."""
    minutes = take_minutes(Document(meeting.lines, (), (), ""))
    found = [
        (a, next((s.segment for s in a.quoted if s.segment in meeting.actions), ""))
        for a in minutes.actions
    ]
    right = [(a, meeting.actions[segment]) for a, segment in found if segment]
    decided = {part.segment for d in minutes.decisions for part in d.parts[:1]}
    shown = [{part.segment for part in d.parts} & meeting.decisions for d in minutes.decisions]
    return {
        "actions": (len(right), len(found), len(meeting.actions)),
        "owners": (
            sum(a.owner == owner for a, (owner, _) in right),
            sum(a.owner is not None for a, _ in found),
            sum(owner is not None for owner, _ in meeting.actions.values()),
        ),
        "dates": (
            sum(a.due == due for a, (_, due) in right if due),
            sum(a.due is not None for a, _ in found),
            sum(due is not None for _, due in meeting.actions.values()),
        ),
        "decisions": (sum(map(bool, shown)), len(decided), len(meeting.decisions)),
    }


def table(meetings: list[Labelled]) -> str:
    """Return precision and recall of each kind over all *meetings*."""
    rows = [["", "labelled", "found", "right", "precision", "recall"]]
    figures = [counts(meeting) for meeting in meetings]
    for kind in ("actions", "owners", "dates", "decisions"):
        right, found, labelled = (sum(row[kind][n] for row in figures) for n in range(3))
        shares = (right / found if found else 0.0, right / labelled if labelled else 0.0)
        rows.append([kind, str(labelled), str(found), str(right), *(f"{s:.2f}" for s in shares)])
    return "\n".join(aligned(rows))


def main() -> None:
    """Run from the command line."""
    files = [Path(name) for name in sys.argv[1:]] or [Path(__file__).with_suffix(".txt")]
    print(table([m for file in files for m in read_meetings(file.read_text(encoding="utf-8"))]))


if __name__ == "__main__":
    main()
