"""Directories of a batch's runs: the batch locks and journals them."""

from collections.abc import Iterable

from runner.base.files import make_directory, sync_directory, write_in_place
from runner.base.text import now_iso
from runner.record.journal import Journal, MemberJournal
from runner.record.reuse import keep_damaged_metadata
from runner.record.run_directory import COMPLETED, RunDirectory, check_folders


class MemberDirectory(RunDirectory):
    """The directory of one run of a *batch*, with the batch's lock, journal, log and settings.

    Answers are stored as they arrive. All other files can be made again from answers and input:
    they are kept in memory and written together at the end, and the journal is synced then.
    """

    durable = False
    _put = staticmethod(write_in_place)

    def __init__(self, batch: RunDirectory, name: str, stages: Iterable[str]) -> None:
        """Open the directory called *name*; raise OSError, ConfigError for links in it."""
        assert isinstance(batch.journal, Journal)
        path = batch.path / name
        self._fresh = not path.exists()
        self._batch = batch
        make_directory(path, batch.path)
        if not self._fresh:
            check_folders(path)
        parts = ("intermediate", *(f"intermediate/{stage}" for stage in stages), "context", "logs")
        for part in parts:
            if self._fresh:
                (path / part).mkdir(mode=0o700)
            else:
                make_directory(path / part, batch.path)
        for part in ("intermediate", ""):  # whose entries answers depend on
            sync_directory(path / part)
        super().__init__(path, MemberJournal(batch.journal, name))
        self.replies = batch.replies
        self._made.update(path / part for part in parts)
        if not self._fresh:
            self.uncomplete()
            keep_damaged_metadata(path)

    def release_reserve(self) -> None:
        """Release the reserve of the batch."""
        self._batch.release_reserve()

    def has(self, name: str) -> bool:
        """Return whether a file exists; a new directory has none."""
        return not self._fresh and super().has(name)

    async def complete(self) -> None:
        """Write COMPLETED at once; one small file needs no thread."""
        write_in_place(self.path / COMPLETED, f"{now_iso()}\n".encode())
