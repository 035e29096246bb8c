"""Labels that validate a judge, from the files that judged checks name."""

from collections.abc import Sequence

from runner.answers.labels import LABELS, RIGHT, WRONG, majority_labels, read_labels
from runner.base.errors import ConfigError
from runner.base.regular_files import kind_of, user_path
from runner.config.checks import MAX_LABELS, Check, Expectations, Label


def labelled(body: Expectations, source: str) -> Expectations:
    """Return *body*, read from *source*, with the labels of the files that judged checks name.

    Raises ConfigError for a file without labels.
    """

    def read(where: str, name: str | None, checks: Sequence[Check]) -> list[Check]:
        try:
            return [_with_labels(check, name) for check in checks]
        except ConfigError as error:
            raise ConfigError(f"{source}: {where}: labels: {error}") from error

    own = {name: read(f"analyzers.{name}", name, each) for name, each in body.analyzers.items()}
    return body.model_copy(update={"every": read("every", None, body.every), "analyzers": own})


def _with_labels(check: Check, name: str | None) -> Check:
    """Return *check* with the labels of analyzer *name*, None for any, in the file that it names.

    Findings of which most raters say right or wrong, of each at most half of MAX_LABELS.
    """
    if not isinstance(check.labels, str):
        return check
    place = user_path(check.labels)
    file = place / LABELS if kind_of(place) == "directory" else place
    labels = [
        each
        for each in majority_labels(read_labels(file))
        if each.finding and name in (None, each.analyzer)
    ]
    pairs = [
        Label(answer=each.finding, label="right" if verdict == RIGHT else "wrong")
        for verdict in (RIGHT, WRONG)
        for each in [e for e in labels if e.verdict == verdict][: MAX_LABELS // 2]
    ]
    if not pairs:
        raise ConfigError(f"{file}: no finding{f' of {name}' if name else ''} is marked in it")
    return check.model_copy(update={"labels": pairs})
