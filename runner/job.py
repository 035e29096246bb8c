"""One run as frozen values: everything that is known before the first call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.analyzer import Analyzer, Material
from runner.catalog import OFFLINE, ModelFacts
from runner.context import segment_line
from runner.errors import ConfigError
from runner.graph import Node, Pipeline
from runner.settings import Settings
from runner.text import digest
from runner.tokens import Tokenizer
from runner.transcript import Transcript

MAX_SPEAKERS = 50  # named in a question; the segments name them all


@dataclass(frozen=True)
class Job:
    """A pipeline, a transcript and the model to read it with.

    *config* is the resolved configuration as YAML and *config_digest* its SHA-256, prompts
    included; *folders* are where prompts of the user's own were looked for.
    """

    settings: Settings
    pipeline: Pipeline
    analyzers: Mapping[str, Analyzer]
    transcript: Transcript
    tokenizer: Tokenizer
    facts: ModelFacts
    config: str
    config_digest: str
    folders: tuple[Path, ...] = ()
    overrides: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """The directory that holds all runs."""
        return Path(self.settings.output.dir)

    @property
    def is_paid(self) -> bool:
        """Whether a provider answers, and not a model of ours."""
        model = self.settings.model
        return model.simulate is None and not model.name.startswith(OFFLINE)

    @property
    def schema_in_prompt(self) -> bool:
        """Whether the answer's schema is stated in the prompt: always, unless surely taken beside.

        litellm drops a schema without a word where it does not know the model to take one.
        """
        wanted = self.settings.model.reply_format
        return wanted == "text" or (wanted == "auto" and self.facts.supports_schema is not True)

    @property
    def schema_beside(self) -> bool:
        """Whether the schema is sent as the response format."""
        wanted = self.settings.model.reply_format
        return wanted == "schema" or (wanted == "auto" and self.facts.supports_schema is not False)

    def variables(self, node: Node) -> dict[str, object]:
        """What *node*'s question may name."""
        names = dict.fromkeys(s.speaker for s in self.transcript.segments if s.speaker)
        speakers = [*names][:MAX_SPEAKERS]
        if len(names) > MAX_SPEAKERS:
            speakers.append(f"and {len(names) - MAX_SPEAKERS} more")
        return {
            "analyzer": node.name,
            "stage": node.stage,
            "max_insights": self.settings.output.max_insights_per_analyzer,
            "speakers": ", ".join(speakers) or "not named",
            "transcript_name": self.transcript.name,
        }

    def transcript_material(self) -> str:
        """Return the transcript as prompts show it, byte-identical for every node."""
        lines = "\n".join(segment_line(segment) for segment in self.transcript.segments)
        return wrap("transcript", lines)


def wrap(tag: str, text: str) -> str:
    """Put *text* between tags that it cannot contain: their id is a digest of the text."""
    nonce = digest(text, 12)
    return f'<{tag} id="{nonce}">\n{text.strip()}\n</{tag} id="{nonce}">\n\n'


def check_windows(job: Job) -> None:
    """Raise ConfigError when a prompt or a reply cannot fit what the model takes and writes."""
    _check_reply_sizes(job)
    count = job.tokenizer.count
    shared = count(job.transcript_material())
    window = job.facts.context_window
    for node in job.pipeline.nodes:
        material = shared if node.context is None else node.context.token_budget
        empty = Material("", job.variables(node))
        messages = job.analyzers[node.name].messages(empty, with_schema=job.schema_in_prompt)
        size = material + sum(count(_text(m["content"])) for m in messages)
        # The price map tells input and output apart; a window that is set holds both.
        both = job.settings.model.context_window is not None or job.facts.max_output_tokens is None
        wanted = job.settings.analyzers[node.name].max_tokens if both else 0
        if window is not None and size + wanted > window:
            raise ConfigError(
                f"{node.name}: the prompt has up to {size:,} tokens"
                f"{f' and the reply may have {wanted:,}' if wanted else ''}, but "
                f"{job.settings.model.name} holds {window:,}; choose a model with a larger window"
            )


def _check_reply_sizes(job: Job) -> None:
    most = job.facts.max_output_tokens
    for name, settings in job.settings.analyzers.items():
        if most is not None and settings.max_tokens > most:
            raise ConfigError(
                f"analyzers.{name}.max_tokens={settings.max_tokens}: "
                f"{job.settings.model.name} writes at most {most}"
            )


def _text(content: object) -> str:
    if isinstance(content, list):
        return "".join(part["text"] for part in content)
    return str(content)
