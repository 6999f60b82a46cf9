"""Tables of the lake: read at a pinned version, publish in one commit, find what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark import faults
from lepton_spark.errors import DataError
from lepton_spark.lake import commit, locks, log, staging
from lepton_spark.lake.catalog import TableId, location
from lepton_spark.lake.drift import refuse_drift
from lepton_spark.lake.marker import Marker
from lepton_spark.lake.publication import EVERYTHING, Publication
from lepton_spark.lake.troubles import told_as

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.context import Published, RunContext
    from lepton_spark.lake.staging import Staged

__all__ = [
    "EVERYTHING",
    "Marker",
    "Publication",
    "TableId",
    "current_version",
    "exists",
    "find",
    "hold",
    "marker_of",
    "marks",
    "publish",
    "read",
]


def exists(context: RunContext, table: TableId) -> bool:
    """Whether the table has been published at least once."""
    return current_version(context, table) >= 0


def current_version(context: RunContext, table: TableId) -> int:
    """The newest version of a table; -1 where there is none."""
    with told_as(table):
        return log.newest_version(location(context.environment, table))


def read(context: RunContext, table: TableId, *, version: int | None = None) -> DataFrame:
    """The rows of a table, at one version: the newest at the time of the call, or the one named.

    Raises:
        DataError: The table was never published.
        EnvironmentFault: Its folder is damaged, or of a form that this Delta cannot read.
    """
    faults.reach("before_read")
    with told_as(table):
        newest = log.newest_version(location(context.environment, table))
        if newest < 0:
            raise DataError(
                "LS-2001",
                f"table {table} does not exist.",
                "an earlier stage publishes it.",
                "run the stages in order, or `lepton run`.",
            )
        reader = context.spark.read.format("delta")
        reader = reader.option("versionAsOf", newest if version is None else version)
        return reader.load(location(context.environment, table))


def find(context: RunContext, table: TableId, job: str, key: str) -> Marker | None:
    """The newest marker of a job's key in the history of a table, or None."""
    with told_as(table):
        return commit.find(location(context.environment, table), job, key)


def marker_of(context: RunContext, table: TableId, version: int) -> Marker | None:
    """The marker of one version; None where something else made that version."""
    with told_as(table):
        return log.marker_at(location(context.environment, table), version)


def marks(context: RunContext, table: TableId, until: int) -> list[Marker | None]:
    """The markers of versions 0 to `until`; None for each that something else made."""
    with told_as(table):
        return log.marks(location(context.environment, table), until)


hold = locks.hold


def publish(context: RunContext, rows: DataFrame, publication: Publication) -> Published:
    """Make rows visible in one commit, or find that they are visible already.

    The rows are computed once, into a folder beside the table, and audited there; then, holding
    the table's lock, the history is looked at once more and one commit is made.

    Args:
        context: Its run, revision and environment.
        rows: Lazy; computed once, or not at all where they are visible already.
        publication: What they are, and what they replace.

    Raises:
        ConflictError: The key was published with another fingerprint, or the lock is held.
        DataError: The audit or the table's schema refuses the rows.
        EnvironmentFault: The storage is not fit.
    """
    with told_as(publication.table):
        done = commit.already(context, publication)
        if done is not None:
            staging.sweep(context, publication)
            return done
        _refuse_drift(context, rows, publication)
        staged = staging.write(context, rows, publication)
        try:
            faults.reach("before_audit")
            if publication.audit is not None:
                publication.audit(staged.rows)
            faults.reach("after_audit")
            published = _commit_once(context, staged, publication)
            faults.reach("before_cleanup")
        finally:
            staging.remove(staged.path)
        faults.reach("after_cleanup")
        return published


def _refuse_drift(context: RunContext, rows: DataFrame, publication: Publication) -> None:
    """Before anything is computed, and before Delta says it in words that may hold cells."""
    folder = location(context.environment, publication.table)
    if log.newest_version(folder) >= 0:
        table = context.spark.read.format("delta").load(folder)
        refuse_drift(publication, rows.schema, table.schema)


def _commit_once(context: RunContext, staged: Staged, publication: Publication) -> Published:
    faults.reach("before_lock")
    with locks.hold(context, publication.table):
        faults.reach("after_lock")
        # Another run may have published the same key while this one computed its rows.
        done = commit.already(context, publication)
        return commit.make(context, staged, publication) if done is None else done
