"""How far a run is: bars on a terminal, one JSON object a line anywhere else. Both on stderr."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 5.0
# These write whole Spark errors, which may quote cells.
_SILENCED = ("SQLQueryContextLogger", "DataFrameQueryContextLogger", "py4j")


class LogProgress:
    """Progress as log lines.

    Args:
        run_id: Written on each line.
    """

    def __init__(self, run_id: str = "") -> None:
        self.run_id = run_id
        self.stage: str | None = None
        self._started = time.monotonic()
        self._last_line = 0.0

    def start(self, stage: str) -> None:
        """Log that a stage starts."""
        self.stage = stage
        self._started = time.monotonic()
        logger.info("started %s", stage, extra=self._facts(stage))

    def step(self, stage: str, message: str, *, done: int = 0, total: int = 0) -> None:
        """Log how far a stage is, at most every few seconds."""
        now = time.monotonic()
        is_last = 0 < total <= done
        if now - self._last_line < _SECONDS_BETWEEN_LINES and not is_last:
            return
        self._last_line = now
        logger.info("%s", message, extra={**self._facts(stage), "done": done, "total": total})

    def finish(self, stage: str, message: str) -> None:
        """Log what a stage gave."""
        seconds = round(time.monotonic() - self._started, 1)
        logger.info("finished %s", message, extra={**self._facts(stage), "seconds": seconds})

    def close(self) -> None:
        """Nothing to take down."""

    def _facts(self, stage: str) -> dict[str, object]:
        return {"stage": stage, "run_id": self.run_id}


class TerminalProgress:
    """Progress as bars with the time that is left; a finished stage stays as one line."""

    def __init__(self, run_id: str = "") -> None:
        self.run_id = run_id
        self.stage: str | None = None
        self._started = time.monotonic()
        self._task: TaskID | None = None
        self._bars = _bars()

    def start(self, stage: str) -> None:
        """Show a bar for a stage."""
        self.stage = stage
        self._started = time.monotonic()
        self._draw(stage)

    def step(self, stage: str, message: str, *, done: int = 0, total: int = 0) -> None:
        """Move the bar of a stage."""
        if self._task is None:
            self._draw(stage)
        if self._task is not None:
            self._bars.update(self._task, message=message, completed=done, total=total or None)

    def finish(self, stage: str, message: str) -> None:
        """Replace the bar of a stage by one line."""
        self._rub_out()
        seconds = time.monotonic() - self._started
        self._bars.console.print(
            f"{stage:<9} {seconds:6.1f} s  {message}", markup=False, highlight=False, soft_wrap=True
        )

    def close(self) -> None:
        """Take the bars off the terminal."""
        self._bars.stop()

    def _draw(self, stage: str) -> None:
        self._rub_out()
        self._bars.start()
        self._task = self._bars.add_task(stage, total=None, message="")

    def _rub_out(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )


class JsonLines(logging.Formatter):
    """One log record, one line of JSON; control characters are escaped."""

    _FACTS = ("stage", "run_id", "done", "total", "seconds")

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, logger, message and the run's facts; never a traceback."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in self._FACTS if hasattr(record, name)}
        return json.dumps(line, default=str)


def is_terminal(stream: TextIO) -> bool:
    """True where bars can be drawn."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def start_logging() -> None:
    """Send the log to stderr: warnings only where bars are drawn, JSON lines elsewhere."""
    handler = logging.StreamHandler(sys.stderr)
    if is_terminal(sys.stderr):
        handler.setLevel(logging.WARNING)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    else:
        handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("lepton_spark").setLevel(logging.INFO)
    for name in _SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def make_progress(run_id: str) -> LogProgress | TerminalProgress:
    """The way to show progress that fits stderr."""
    return TerminalProgress(run_id) if is_terminal(sys.stderr) else LogProgress(run_id)
