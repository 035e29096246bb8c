"""The planted interviews read by DocETL, as its documentation would have it done.

DocETL runs in its own virtual environment. A map operation asks for each file's
findings; those with the same words are joined without a model; a resolve operation compares every
two of them and names each group. It has no operation for contradictions and checks no quote.
"""

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.planted_corpus import Plan
from runner.answers.themes import AGAINST, FOR, Collection, Outlier, Theme, ThemeQuote, Voice
from runner.base.json import load_json

TIMEOUT_S = 1800.0
_MENTION = "{note: string, side: string, quote: string, segment: string, speaker: string}"
_JOIN = """\
def transform(items):
    keys = ("file", "segment", "speaker", "side", "quote")
    return {"said": [{key: item[key] for key in keys} for item in items]}
"""
_OPERATIONS = (
    {
        "name": "read",
        "type": "map",
        "prompt": "What does each guest say of the library?\n{{ input.text }}",
        "output": {"schema": {"findings": f"list[{_MENTION}]"}},
    },
    {"name": "each", "type": "unnest", "unnest_key": "findings", "recursive": True},
    {"name": "same", "type": "code_reduce", "reduce_key": "note", "code": _JOIN},
    {
        "name": "alike",
        "type": "resolve",
        "blocking_conditions": ["True"],
        "comparison_prompt": "One theme? <<{{ input1.note }}>> <<{{ input2.note }}>>",
        "resolution_prompt": "Its name? {% for i in inputs %}<<{{ i.note }}>>{% endfor %}",
        "output": {"schema": {"note": "string"}},
    },
)


def read_with_docetl(plan: Plan, python: Path, url: str, folder: Path) -> Collection:
    """Return what DocETL, installed for *python*, finds with the provider at *url*.

    Raises SystemExit with its last line where it fails.
    """
    talks = [
        {
            "file": file,
            "text": "\n".join(f"[S{n:04d} {who}] {said}" for n, (who, said) in enumerate(turns, 1)),
        }
        for file, turns in plan.turns.items()
    ]
    (folder / "talks.json").write_text(json.dumps(talks), encoding="utf-8")
    pipeline = {
        "datasets": {"talks": {"type": "file", "path": "talks.json"}},
        "default_model": "openai/gpt-4o-mini",
        "default_lm_api_base": url,
        "bypass_cache": True,
        "operations": list(_OPERATIONS),
        "pipeline": {
            "steps": [
                {"name": "all", "input": "talks", "operations": [o["name"] for o in _OPERATIONS]}
            ],
            "output": {"type": "file", "path": "found.json", "intermediate_dir": "between"},
        },
    }
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    where = "import litellm.litellm_core_utils.tokenizers as t; print(t.__path__[0])"
    kept = subprocess.run([python, "-c", where], capture_output=True, text=True, check=False)
    done = subprocess.run(
        [python.parent / "docetl", "run", "pipeline.yaml"],
        cwd=folder,
        env={**os.environ, "OPENAI_API_KEY": "none", "TIKTOKEN_CACHE_DIR": kept.stdout.strip()},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if not (folder / "found.json").is_file():
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise SystemExit(f"DocETL: exit {done.returncode}: {(lines or [''])[-1]}")
    return as_collection(load_json(folder / "found.json"))


def as_collection(rows: Sequence[Mapping[str, Any]]) -> Collection:
    """Return DocETL's rows as a collection: groups of one mention are outliers, others themes."""
    groups: dict[str, list[ThemeQuote]] = defaultdict(list)
    for row in rows:
        groups[row["note"]] += [
            ThemeQuote(s["file"], "", s["segment"], None, s["speaker"], s["quote"], "", s["side"])
            for s in row["said"]
        ]
    themes, outliers = [], []
    for name, quotes in groups.items():
        if len(quotes) == 1:
            only = quotes[0]
            outliers.append(Outlier(only.file, only.speaker, "", name, (only,), ""))
            continue
        both, for_, against = (_voices(quotes, *s) for s in ((FOR, AGAINST), (FOR,), (AGAINST,)))
        files = tuple(dict.fromkeys(quote.file for quote in quotes))
        themes.append(Theme(name, name, name, files, both, for_, against, (), tuple(quotes), ()))
    return Collection("docetl", "", themes=tuple(themes), outliers=tuple(outliers))


def _voices(quotes: Sequence[ThemeQuote], *sides: str) -> tuple[Voice, ...]:
    spoken = (Voice(quote.file, quote.speaker) for quote in quotes if quote.side in sides)
    return tuple(dict.fromkeys(spoken))
