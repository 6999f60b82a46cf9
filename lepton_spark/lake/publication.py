"""What a stage says about the rows that it publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.lake.catalog import TableId


EVERYTHING = "true"


@dataclass(frozen=True)
class Publication:
    """One set of rows that becomes visible in one commit, once.

    Args:
        table: Where to; made by the first publication.
        job: Which kind of publication, such as `land` or `score`.
        key: What identifies it: the logical date, or a digest of the files it holds.
        fingerprint: Digest of all that the rows follow from: inputs, settings, model.
        replace: SQL condition; the rows replace those for which it holds. None appends. EVERYTHING
            replaces the table with its schema.
        partition_by: Columns, for a table that is made.
        facts: JSON-ready; found again in the marker. No cell values. Read when the commit is made,
            so that an audit may add what it counted.
        audit: Given the staged rows; raises a DataError where they must not be published.
        row_group_rows: Most rows in one row group; None leaves it to Parquet.
        add_columns: Columns that the table gains if it lacks them, null in the rows that it has;
            any other difference is refused.
    """

    table: TableId
    job: str
    key: str
    fingerprint: str
    replace: str | None = None
    partition_by: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    audit: Callable[[DataFrame], None] | None = None
    row_group_rows: int | None = None
    add_columns: tuple[str, ...] = ()

    @property
    def transaction(self) -> str:
        """Name under which Delta itself refuses a second commit of the same revision."""
        return f"lepton/{self.table}/{self.job}/{self.key}"
