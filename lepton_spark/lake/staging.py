"""Where rows wait, beside their table, until they have been audited."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import Observation
from pyspark.sql import functions as F

from lepton_spark import faults
from lepton_spark.lake import files
from lepton_spark.lake.catalog import path_of
from lepton_spark.lake.layout import writing
from lepton_spark.lake.process import is_alive

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.context import RunContext
    from lepton_spark.lake.publication import Publication

logger = logging.getLogger(__name__)

_OWNER = "_owner.json"
# Longer than any run; younger leftovers go as soon as their process is known to be dead.
_RETENTION = timedelta(days=7)


@dataclass(frozen=True)
class Staged:
    """Rows that have been written but are not yet visible.

    Args:
        rows: Read back from the staging folder.
        num_rows: Counted while they were written; the audit counts what was read back.
    """

    rows: DataFrame
    num_rows: int
    path: str


def write(context: RunContext, rows: DataFrame, publication: Publication) -> Staged:
    """Compute the rows once, into a folder beside the table; it is gone again where that fails."""
    sweep(context, publication)
    # One run may publish to a table more than once, even at the same time.
    which = hashlib.sha256(publication.transaction.encode()).hexdigest()[:8]
    path = f"{_parent(context, publication)}/{context.run_id}-{which}"
    files.delete_tree(path)
    try:
        files.write_atomically(f"{path}/{_OWNER}", json.dumps(_me()))
        faults.reach("before_stage_write")
        counted = Observation()
        with writing(rows, publication):
            observed = rows.observe(counted, F.count(F.lit(1)).alias("rows"))
            observed.write.mode("append").parquet(path)
        faults.reach("after_stage_write")
        staged = context.spark.read.schema(rows.schema).parquet(path)
        return Staged(staged, counted.get["rows"], path)
    except BaseException:
        remove(path)
        raise


def remove(path: str) -> None:
    """Remove a folder of staged rows; what cannot be removed now is swept by a later run."""
    try:
        files.delete_tree(path)
    except OSError as error:
        logger.warning("left %s behind: %s", path, type(error).__name__)


def _parent(context: RunContext, publication: Publication) -> str:
    table = publication.table
    return path_of(context.environment, table.layer, "_staging", table.name)


def _me() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "at": datetime.now(UTC).isoformat(),
    }


def sweep(context: RunContext, publication: Publication) -> None:
    """Remove what dead runs left of this table, and say how much it was."""
    for leftover in files.entries_of(_parent(context, publication)):
        try:
            if _is_abandoned(leftover):
                size = sum(info.size for info in files.list_files(leftover.uri))
                files.delete_tree(leftover.uri)
                logger.info("removed %d bytes that a dead run left in %s", size, leftover.uri)
        except OSError as error:
            # Most likely another run is removing it at this moment.
            logger.info("did not sweep %s: %s", leftover.uri, type(error).__name__)


def _is_abandoned(folder: files.FileInfo) -> bool:
    try:
        owner = json.loads(files.read_text(f"{folder.uri}/{_OWNER}"))
        is_here = owner["host"] == socket.gethostname()
        is_alone = is_here and not is_alive(int(owner["pid"]))
        return is_alone or _is_old(datetime.fromisoformat(owner["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        # Being written or removed by another process at this moment, or killed before it said who.
        inside = [entry.modified_at for entry in files.entries_of(folder.uri)]
        times = [at for at in (folder.modified_at, *inside) if at is not None]
        return bool(times) and _is_old(max(times))


def _is_old(instant: datetime) -> bool:
    return datetime.now(UTC) - instant > _RETENTION
