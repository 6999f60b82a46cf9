"""What a stage is given: everything that would otherwise be ambient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lepton_spark.config.case import Case, Moment
    from lepton_spark.config.contract import Contract
    from lepton_spark.config.environment import Environment


class Progress(Protocol):
    """Where a stage says how far it is; a terminal draws it, a log writes it."""

    def start(self, stage: str) -> None:
        """Say that a stage starts."""

    def step(self, stage: str, message: str, *, done: int = 0, total: int = 0) -> None:
        """Say how much of a stage is done; `total` 0 means unknown."""

    def finish(self, stage: str, message: str) -> None:
        """Say what a stage gave."""


@dataclass(frozen=True)
class RunContext:
    """One command on one case in one environment.

    Args:
        spark: Session of its own, time zone UTC; never stopped by a stage.
        run_id: Unique name of this run, `r-` and sixteen hexadecimal digits.
        as_of: Logical date: nothing that landed or was known after its moment is read.
        started_at: Wall clock at the start, UTC; for the record only, never for a result.
        revision: Raised by hand to publish other content under a key already published.
        contracts: By name: those that the sources of the case point to.
        results: What stages gave so far, by logical date, also where a later one fails; shared by
            all the dates of a command.
    """

    spark: SparkSession
    case: Case
    environment: Environment
    progress: Progress
    run_id: str
    as_of: date
    started_at: datetime
    revision: int = 0
    allow_empty: bool = False
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    results: dict[date, list[StageResult]] = field(default_factory=dict)

    @property
    def moment(self) -> datetime:
        """The instant, UTC, after which nothing may be known to this run."""
        return moment_of(self.as_of, self.case.predict.at)


def moment_of(day: date, at: Moment) -> datetime:
    """The instant, UTC, of a local time on a day.

    In the gap that summer time makes it is the later one, in the overlap the earlier one.
    """
    local = datetime.combine(day, time.fromisoformat(at.time), tzinfo=ZoneInfo(at.zone))
    return local.astimezone(UTC)


@dataclass(frozen=True)
class Published:
    """What became of one table.

    Args:
        rows: Rows in this publication, not in the table.
        is_new: False where the same content was there before and nothing was written.
    """

    table: str
    version: int
    rows: int
    is_new: bool


@dataclass(frozen=True)
class StageResult:
    """What a stage tells its caller: tables and a few numbers, all JSON-ready."""

    stage: str
    tables: tuple[Published, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
