"""Results by setting and transcript: coverage, checks and labelled findings."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from runner.answers.coverage import cited_segments
from runner.answers.labels import (
    LABELS,
    RIGHT,
    WRONG,
    FindingLabel,
    FoundItem,
    LabelIndex,
    found_items,
    label_of,
    read_labels,
    short_sha,
    verdict_of,
)
from runner.base.errors import ColloquyError, reason
from runner.base.format import plural
from runner.base.json import amount, at, mapping, mappings, number, text
from runner.base.regular_files import folders_in, kind_of
from runner.base.text import cut
from runner.record.batch_directory import batch_of, single_runs
from runner.record.run_directory import KINDS, root_above
from runner.reports.compare.keys import name_in_sentence, setting_label
from runner.reports.compare.rows import Group
from runner.reports.stored_run import StoredRun, is_run, read_run

MAX_FILES = 300  # transcripts of a batch that are read
MAX_LABEL_FILES = 500
COVERAGE, PRECISION, FOUND, CHECK = "coverage", "precision", "found", "check"
DECIDED = (RIGHT, WRONG)
OF_TRANSCRIPT = re.compile(  # keys
    r"transcript\.(path|sha256|format|encoding|media|about\b.*|speakers\b.*)"
)


@dataclass
class Setting:
    """All runs that differ in nothing but the transcript and the repeat.

    *figures* are parts and wholes by the figure's name and the transcript's short SHA-256;
    *cited* and *segments* are those of the first run of each transcript; *items* are the findings
    of its *runs* with people's verdicts; *known* says in which share of them each finding is that
    people called right, by analyzer and key.
    """

    label: str
    number: int = 0  # in the table
    figures: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    cited: dict[str, frozenset[str]] = field(default_factory=dict)
    segments: dict[str, int] = field(default_factory=dict)
    runs: Counter[str] = field(default_factory=Counter)
    items: dict[str, list[tuple[FoundItem, str]]] = field(default_factory=dict)
    known: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name in sentences."""
        return name_in_sentence(self.label, self.number)

    @property
    def transcripts(self) -> set[str]:
        """The transcripts with any figure."""
        return {sha for figure in self.figures.values() for sha in figure} | self.segments.keys()

    @cached_property
    def labelled_analyzers(self) -> set[str]:
        """The analyzers of which a finding is labelled right or wrong."""
        return {item.analyzer for held in self.items.values() for item, v in held if v in DECIDED}

    @cached_property
    def has(self) -> Callable[[FoundItem, str], bool]:
        """Whether it has a finding in a transcript, or one so alike that a label fits both."""
        index = LabelIndex(
            [label_of(each, sha, RIGHT) for sha, held in self.items.items() for each, _ in held]
        )
        return cache(lambda item, sha: bool(index.of(item, sha)))

    def add(self, name: str, sha: str, part: float, whole: float) -> None:
        """Add to a figure of one transcript."""
        figure = self.figures.setdefault(name, {})
        a, b = figure.get(sha, (0.0, 0.0))
        figure[sha] = (a + part, b + whole)


def assessment_data(
    groups: Sequence[Group], keys: Iterable[str]
) -> tuple[list[Setting], list[FindingLabel], list[str]]:
    """Return the settings of *groups*, all labels of their transcripts, and notes.

    *keys* are those in which the groups differ.
    """
    labels, notes = known_labels([row.path for group in groups for row in group.rows])
    index = LabelIndex(labels)
    shown_keys = [key for key in keys if not OF_TRANSCRIPT.fullmatch(key)]
    settings: dict[tuple[str, ...], Setting] = {}
    fitting: list[tuple[Setting, str, set[str]]] = []
    ran: set[str] = set()
    left = 0
    for group in groups:
        own = {key: group.settings[key] for key in shown_keys}
        new = Setting(setting_label(own), len(settings) + 1)
        setting = settings.setdefault(tuple(own.values()), new)
        for row in group.rows:
            paths = _runs(row.path)
            left += max(0, len(paths) - MAX_FILES)
            for run in _read(paths):
                ran |= run.records.keys()
                if sha := sha_of(run):
                    fitting.append((setting, sha, _count(setting, run, sha, index)))
    pools = _pools(labels, ran)
    for setting, sha, fits in fitting:
        for key, analyzer in pools.get(sha, {}).items():
            known = setting.known.setdefault(sha, defaultdict(float))
            known[analyzer, key] += (key in fits) / setting.runs[sha]
            for name in (FOUND, f"{FOUND} {analyzer}"):
                setting.add(name, sha, key in fits, 1)
    if left:
        notes.append(
            f"Not read: findings of {plural(left, 'file')} beyond the first {MAX_FILES} of a batch."
        )
    shas = {"", *(sha for setting in settings.values() for sha in setting.transcripts)}
    return [*settings.values()], [label for label in labels if label.transcript in shas], notes


def precision_of(path: Path) -> float | None:
    """Return the share of the labelled findings of a run or batch that are right, 0 to 1.

    The labels are those of `known_labels`. None without one that says right or wrong.
    """
    index = LabelIndex(known_labels([path])[0])
    runs = _read(_runs(path))
    counts = Counter(v for run in runs for v in verdicts_of(items_of(run), index, sha_of(run))[0])
    judged = counts[RIGHT] + counts[WRONG]
    return counts[RIGHT] / judged if judged else None


def _runs(path: Path) -> list[Path]:
    """Return the runs of a batch, or the run itself."""
    with suppress(OSError, ColloquyError):
        return [run for run in single_runs([path]) if is_run(run)]
    return []


def _read(paths: Sequence[Path]) -> Iterator[StoredRun]:
    for path in paths[:MAX_FILES]:
        try:
            yield read_run(path)
        except (ColloquyError, OSError, ValueError, RecursionError):
            continue  # its row says that it is damaged


def sha_of(run: StoredRun) -> str:
    """Return the start of the SHA-256 of *run*'s transcript, empty if unknown."""
    return short_sha(at(run.metadata, "transcript", "sha256"))


def items_of(run: StoredRun) -> list[FoundItem]:
    """Return all findings of *run*, in the order of its records."""
    answers = (item for item in run.records.items() if item[1].get("status") == "ok")
    return [found for name, answer in answers for found in found_items(name, answer)]


def verdicts_of(
    items: Iterable[FoundItem], index: LabelIndex, sha: str
) -> tuple[list[str], set[str]]:
    """Return people's verdict on each of *items*, and the keys of the labels that fit.

    Those of alike findings fit an item too, unless it is wrong itself: two settings may have one
    finding in two wordings, and both be labelled.
    """
    verdicts: list[str] = []
    fitting: set[str] = set()
    for item in items:
        own = index.of(item, sha)
        verdicts.append(verdict_of(own))
        alike = index.alike(item, sha) if verdicts[-1] == RIGHT else ()
        fitting |= {label.key for label in (*own, *alike)}
    return verdicts, fitting


def _pools(labels: Sequence[FindingLabel], ran: set[str]) -> dict[str, dict[str, str]]:
    """Return the right findings of each transcript, by key, with their analyzers, which *ran*."""
    by_key: dict[tuple[str, str], list[FindingLabel]] = {}
    for label in labels:
        by_key.setdefault((label.transcript, label.key), []).append(label)
    pools: dict[str, dict[str, str]] = {}
    for (sha, key), own in by_key.items():
        if sha and own[0].analyzer in ran and verdict_of(own) == RIGHT:
            pools.setdefault(sha, {})[key] = own[0].analyzer
    return pools


def _count(setting: Setting, run: StoredRun, sha: str, index: LabelIndex) -> set[str]:
    """Add *run*, of the transcript *sha*, to *setting*; return the keys of fitting labels."""
    coverage = number(run.took.get("coverage"))
    if coverage is not None and 0 <= coverage <= 1:
        setting.add(COVERAGE, sha, coverage, 1)
    for each in mappings(run.checks.get("checks")):
        if (status := each.get("status")) in ("passed", "failed"):  # the others compare nothing
            named = filter(None, (CHECK, text(each.get("analyzer")), text(each.get("check"))))
            setting.add(cut(" ".join(named), 160), sha, status == "passed", 1)
    items = items_of(run)
    verdicts, fitting = verdicts_of(items, index, sha)
    setting.runs[sha] += 1
    setting.items.setdefault(sha, []).extend(zip(items, verdicts, strict=True))
    if judged := verdicts.count(RIGHT) + verdicts.count(WRONG):
        setting.add(PRECISION, sha, verdicts.count(RIGHT), judged)
    if sha not in setting.segments and run.records:
        setting.segments[sha] = int(amount(at(run.metadata, "transcript", "segments")))
        answers = [record for record in run.records.values() if record.get("status") == "ok"]
        parts = ("insights", "structured_data")
        cited = cited_segments([mapping(a).get(part) for a in answers for part in parts])
        setting.cited[sha] = frozenset(cited)
    return fitting


def known_labels(runs: Iterable[Path]) -> tuple[list[FindingLabel], list[str]]:
    """Return the labels in *runs*, and those beside them under the same root; and notes.

    These are `labels.csv` in runs, batches and sweeps. A file that cannot be read gets a note.
    """
    folders: dict[Path, None] = {}
    notes = []
    for home in dict.fromkeys((batch_of(run) or run).resolve() for run in runs):
        folders[home] = None
        if home.parent not in folders:  # whose neighbours are there already
            try:
                folders |= dict.fromkeys((home.parent, *_beside(home)))
            except OSError as error:
                notes.append(f"Labels beside {home} are left out: {reason(error)}")
    files = [folder / LABELS for folder in folders if kind_of(folder / LABELS) == "file"]
    labels: dict[tuple[str, str, str], FindingLabel] = {}
    for file in files[:MAX_LABEL_FILES]:
        try:
            labels |= {(e.transcript, e.key, e.rater): e for e in read_labels(file)}
        except ColloquyError as error:
            notes.append(f"Labels are left out: {error}")
    if len(files) > MAX_LABEL_FILES:
        notes.append(f"Of {len(files):,} files of labels, the first {MAX_LABEL_FILES} are read.")
    return list(labels.values()), notes


def _beside(home: Path) -> Iterator[Path]:
    """Yield the root of the directory *home*, and all runs, batches, sweeps and jobs under it."""
    if (root := root_above(home)) is None:
        return
    yield root
    for name in KINDS:
        yield root / name
        for folder in folders_in(root / name):
            yield folder
            if name == "sweeps":
                yield from folders_in(folder)
