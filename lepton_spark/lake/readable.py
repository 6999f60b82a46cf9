"""A part of a table as row groups that workers can read: its own files, or a copy of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lepton_spark.lake import file_plan, tables
from lepton_spark.lake.copied import copied

if TYPE_CHECKING:
    from lepton_spark.context import RunContext
    from lepton_spark.lake.catalog import TableId
    from lepton_spark.lake.file_plan import FileSlice

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """Rows of a pinned version that have one value of a partition column.

    Args:
        folder: Gets the copy, where one is needed; a path or URI that workers reach.
    """

    version: int
    column: str
    value: str
    folder: str


def readable(
    context: RunContext, table: TableId, part: Part, *, row_group_rows: int
) -> tuple[FileSlice, ...]:
    """The row groups of a part of a table, in a fixed order; they lack the partition column.

    Args:
        context: Of the run.
        table: Partitioned by the column of the part.
        part: Which of its rows.
        row_group_rows: Most rows of a row group of a copy.
    """
    condition = f"{part.column} = '{part.value}'"
    plan = file_plan.plan(context, table, part.version, condition=condition, without=(part.column,))
    if plan.unfit is None:
        return plan.slices
    logger.warning("%s of %s is copied for the workers: %s", part.value, table, plan.unfit)
    rows = tables.read(context, table, version=part.version).filter(condition).drop(part.column)
    return copied(context, rows, part.folder, row_group_rows=row_group_rows)
