"""Names of a batch's files as a table of the user or another program writes them."""

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from unicodedata import normalize

from runner.base.errors import did_you_mean

_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_MAX_NEAR = 5_000  # names that are compared to find the nearest
_SHOWN = 5


def spelt(name: str) -> str:
    """Return a file's path with composed letters and slashes, without white space around it."""
    return normalize("NFC", name.strip()).replace("\\", "/").removeprefix("./")


def _folded(name: str) -> str:
    return spelt(name).casefold()


def _flat(name: str) -> str:
    return _folded(name).replace("/", "_")


def _last(name: str) -> str:
    return PurePosixPath(_folded(name)).name


def _stem(form: Callable[[str], str]) -> Callable[[str], str]:
    return lambda name: _ENDING.sub("", form(name))


# Forms of a file's path, the most certain first, and the form of a name that has to equal it.
_FORMS = (
    (spelt, spelt),
    (_folded, _folded),
    (_flat, _flat),  # of other programs
    (_last, _folded),
    (_stem(_flat), _stem(_flat)),
    (_stem(_last), _stem(_folded)),
)


def flat_names(files: Iterable[str]) -> dict[str, str]:
    """Return a name without folders for each of *files*, different from the others in any case."""
    names: dict[str, str] = {}
    taken = set[str]()
    for file in sorted(set(files), key=lambda file: ("/" in file, file)):  # the first keep theirs
        flat = PurePosixPath(file.replace("/", "_"))
        name, number = flat.name, 1
        while _folded(name) in taken:
            number += 1
            name = f"{flat.stem} ({number}){flat.suffix}"
        names[file] = name
        taken.add(_folded(name))
    return names


class FileNames:
    """The files of a batch by what they may be called."""

    def __init__(self, files: Iterable[str]) -> None:
        self.files = sorted(files)
        flat = {name: [file] for file, name in flat_names(self.files).items()}
        self._known = [(form, dict[str, list[str]]()) for _, form in _FORMS]
        for (own, _), (_, known) in zip(_FORMS, self._known, strict=True):
            for file in self.files:
                known.setdefault(own(file), []).append(file)
        self._known.insert(1, (spelt, flat))

    def called(self, name: str) -> list[str]:
        """Return the files that *name* means: path or name, other case, with or without ending.

        Of several forms the most certain counts. In other programs' names a folder ends with `_`.
        """
        return next((held for form, known in self._known if (held := known.get(form(name)))), [])

    def near(self, name: str) -> str:
        """Return a clause that names the nearest file, else the first ones."""
        names = sorted({key for _, known in self._known for key in known})[:_MAX_NEAR]
        near = did_you_mean(_folded(name), names)
        return near if "did you mean" in near else f"; known: {', '.join(self.files[:_SHOWN])}"
