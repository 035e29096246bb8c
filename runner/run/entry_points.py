"""The commands; Ctrl-C while one is imported prints no traceback."""

import sys
from functools import partial
from importlib import import_module


def _run(module: str) -> None:
    try:
        sys.exit(import_module(f"runner.{module}").main())
    except (KeyboardInterrupt, RuntimeError) as error:
        # Where a class is made, Python 3.11 raises RuntimeError from the interrupt.
        if not isinstance(error.__cause__ or error, KeyboardInterrupt):
            raise
        sys.exit(130)


main = partial(_run, "run.command")  # colloquy
agreement = partial(_run, "reports.coders.command")
ask = partial(_run, "run.question.command")
compare = partial(_run, "reports.compare.write")
mlflow = partial(_run, "reports.export.mlflow")
read = partial(_run, "run.cli.read")
report = partial(_run, "reports.report.write")
review = partial(_run, "reports.review.server")
schema = partial(_run, "run.cli.editors")
simulate = partial(_run, "providers.simulated.__main__")
status = partial(_run, "reports.status")
traces = partial(_run, "reports.export.traces")
verify = partial(_run, "reports.verify")
whatif = partial(_run, "reports.whatif.command")
