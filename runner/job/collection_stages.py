"""Collection stages: the stages that read a whole batch, and the role of their analyzers."""

from collections.abc import Mapping

from runner.answers.analyzer import Analyzer
from runner.base.errors import ConfigError
from runner.job.graph import Pipeline
from runner.job.windows import MIN_CONTEXT

THEMES, AGREEMENTS, OUTLIERS, SYNTHESIS = "themes", "agreements", "outliers", "synthesis"
KINDS = (THEMES, AGREEMENTS, OUTLIERS, SYNTHESIS)


def kind_of(analyzer: Analyzer) -> str:
    """Return the role of *analyzer* in a collection, its module's COLLECTION.

    Any other analyzer is asked about the results of earlier stages, like a synthesis.
    """
    return str(getattr(analyzer.module, "COLLECTION", SYNTHESIS))


def check_collection_stages(pipeline: Pipeline, analyzers: Mapping[str, Analyzer]) -> None:
    """Raise ConfigError if stages lack the themes that they read, or find them twice.

    Also for contexts too small for several findings, which would need one call each.
    """
    kinds = {node.name: kind_of(analyzers[node.name]) for node in pipeline.nodes}
    above: dict[str, set[str]] = {}
    for node in pipeline.nodes:
        kind = kinds[node.name]
        if kind not in KINDS:
            expected = f"expected one of {', '.join(KINDS)}"
            raise ConfigError(f"analyzers.{node.name}: COLLECTION = {kind!r}: {expected}")
        budget = MIN_CONTEXT if node.context is None else node.context.token_budget
        if budget < MIN_CONTEXT:
            raise ConfigError(
                f"analyzers.{node.name}: context.token_budget={budget} holds no findings to "
                f"compare: expected at least {MIN_CONTEXT}, see stages.{node.stage}.context"
            )
        above[node.name] = set(node.needs).union(*(above[need] for need in node.needs))
        if kind != THEMES and not any(kinds[need] == THEMES for need in above[node.name]):
            raise ConfigError(
                f"analyzers.{node.name} reads the themes of a collection: its stage "
                f"{node.stage} needs a stage with an analyzer of themes, such as `themes`"
            )
    finders = [name for name, kind in kinds.items() if kind == THEMES]
    if len(finders) > 1:
        raise ConfigError(f"{' and '.join(finders)} both find themes: a collection has one of them")
