"""What a command leaves for its caller: words on stderr, one JSON line on stdout, an exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, TextIO

from lepton_spark import __version__

if TYPE_CHECKING:
    from lepton_spark.context import StageResult
    from lepton_spark.job.ending import Ending
    from lepton_spark.job.request import Request


@dataclass(frozen=True)
class Outcome:
    """The end of a command and all that its stages gave.

    Args:
        request: None where the arguments were refused.
        stage: The last stage that was started.
        nights: Results of each logical date that was begun; of one that failed, those before.
        command: Name of the command where there is no request.
    """

    request: Request | None
    run_id: str
    ending: Ending
    stage: str | None = None
    seconds: float = 0.0
    nights: Mapping[date, Sequence[StageResult]] = field(default_factory=dict)
    command: str = ""

    @classmethod
    def refused(cls, command: str, ending: Ending) -> Outcome:
        """A command that was not started."""
        return cls(None, "", ending, command=command)

    @property
    def status(self) -> str:
        """done, already_done (nothing had to be written), failed or stopped."""
        tables = [
            table for night in self.nights.values() for result in night for table in result.tables
        ]
        if self.ending.status == "done" and tables and not any(table.is_new for table in tables):
            return "already_done"
        return self.ending.status

    def summary(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        found: dict[str, Any] = {
            "status": self.status,
            "command": self.request.command if self.request else self.command,
            "exit_code": self.ending.exit_code,
            "seconds": round(self.seconds, 1),
            "version": __version__,
        }
        if self.request is not None:
            found |= {
                "case": self.request.case,
                "environment": self.request.environment,
                "as_of": self.request.as_of.isoformat(),
                "run_id": self.run_id,
            }
        if self.ending.exit_code:
            found |= {"stage": self.stage, "code": self.ending.code}
            *_, last = (None, *self.nights)
            found |= {"stage_as_of": last.isoformat()} if last else {}
        stages = [
            {"as_of": day.isoformat(), **asdict(result)}
            for day, night in self.nights.items()
            for result in night
        ]
        return found | ({"stages": stages} if stages else {})


def tell(outcome: Outcome, *, stdout: TextIO, stderr: TextIO, before: str = "") -> int:
    """Write how a command ended, and return its exit code.

    A reader that has gone away, as in `lepton ... | head`, is no error.

    Args:
        outcome: What to tell.
        stdout: Gets one JSON line, last.
        stderr: Gets what went wrong and how to fix it.
        before: Text for people, on stdout before the summary.
    """
    if outcome.ending.message:
        write(stderr, outcome.ending.message + "\n")
    write(stdout, before + json.dumps(outcome.summary(), default=str) + "\n")
    return outcome.ending.exit_code


def write(stream: TextIO, text: str) -> None:
    """Write and flush; what can no longer be read is dropped."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # Else Python fails once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def in_words(result: StageResult) -> str:
    """One line for people about a finished stage."""
    if not result.tables:
        return "done"
    new = [table for table in result.tables if table.is_new]
    if not new:
        return f"already there ({len(result.tables)} tables)"
    rows = sum(table.rows for table in new)
    names = new[0].table if len(new) == 1 else f"{len(new)} tables"
    return f"{rows:,} rows in {names}"
