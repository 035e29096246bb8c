"""Signal handling: the first signal lets calls in flight finish, the second cancels them."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from runner.base.errors import EXIT_INTERRUPTED, EXIT_TERMINATED, NotRunError
from runner.base.format import plural
from runner.base.text import print_stderr
from runner.calls.admission.limits import Admission

GRACE_S = 10.0
log = structlog.get_logger("colloquy.run")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class Stop:
    """Signals received: *signum* is the first, None before it; *at_once* is set by a second."""

    signum: int | None = None
    at_once: bool = False

    @property
    def exit_code(self) -> int:
        """The exit code of a process that a signal ended."""
        return EXIT_INTERRUPTED if self.signum == signal.SIGINT else EXIT_TERMINATED

    def code_or(self, code: int) -> int:
        """Return the exit code of a received signal, without one *code*."""
        return code if self.signum is None else self.exit_code


@contextmanager
def stopping(stop: Stop, admission: Admission) -> Iterator[None]:
    """Handle signals while the block runs in the current task; restore handlers afterwards.

    The first signal closes *admission* and leaves calls in flight GRACE_S seconds; then, or at
    a second signal, the task is cancelled.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    timers: list[asyncio.TimerHandle] = []

    def handle(signum: int) -> None:
        if stop.signum is not None:
            stop.at_once = True
            task.cancel()
            return
        stop.signum = signum
        calls = admission.in_flight
        left = f" {plural(calls, 'call')} in flight" if calls else ": no call is in flight"
        print_stderr(f"colloquy: finishing{left}; interrupt again to stop now")
        log.warning("run.interrupted", signal=signal.Signals(signum).name, in_flight=calls)
        admission.close(NotRunError("interrupted", "not called: the run was interrupted"))
        timers.append(loop.call_later(GRACE_S, task.cancel))

    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
