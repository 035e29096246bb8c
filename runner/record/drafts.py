"""Drafts: disk space reserved for the records of calls before they are sent."""

from collections.abc import Callable
from pathlib import Path

from runner.base.files import Draft


class Drafts:
    """The drafts of a run's records; *fault* is the first failure to make or to fill one."""

    def __init__(self) -> None:
        self.fault: OSError | None = None
        self._drafts: dict[Path, Draft] = {}  # of calls in flight

    def reserve(self, file: Path, size: int, prepare: Callable[[], None]) -> None:
        """Make room for *size* bytes of *file*; raise OSError.

        *prepare* makes the directories that the record needs, before the first call about it.
        """
        try:
            if (draft := self._drafts.get(file)) is not None:
                draft.reserve(size)
            else:
                prepare()
                self._drafts[file] = Draft(file, size)
        except OSError as error:
            self.fault = self.fault or error
            raise

    def take(self, file: Path) -> Draft | None:
        """Return the draft of *file*, which is now the caller's, None without one."""
        return self._drafts.pop(file, None)

    def fill(self, store: Callable[[bool], None], release: Callable[[], None]) -> None:
        """Call *store*; if it fails, call *release* and *store* again, for a shorter form."""
        try:
            store(False)
        except OSError as error:
            self.fault = self.fault or error
            release()
            store(True)

    def drop(self) -> None:
        """Release the room for calls without an outcome."""
        for draft in self._drafts.values():
            draft.discard()
        self._drafts.clear()
