"""What the rows of a source look like in bronze."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from lepton_spark.bronze.header import Promised
    from lepton_spark.config.format import Format

MAX_COLUMNS = 100_000  # where no source says otherwise, as when a file is looked at
INSTANT = pa.timestamp("us", tz="UTC")
TRAILING = (
    pa.field("_problem", pa.string()),
    pa.field("_raw", pa.string()),
    pa.field("_file", pa.string()),
    pa.field("_row", pa.int64()),
    pa.field("_records", pa.int64()),
    pa.field("_sha256", pa.string()),
    pa.field("_size", pa.int64()),
    pa.field("_modified_at", INSTANT),
    pa.field("_arrived_at", INSTANT),
    pa.field("_ingested_at", INSTANT),
    pa.field("_run_id", pa.string()),
)


@dataclass(frozen=True)
class Layout:
    """How the files of a source are written, and what is promised of them.

    Args:
        promised: Columns of the contract, in its order.
        format: As the case says.
        max_columns: Most columns in a file with names of its own.
        offered: Columns of a whole Delta table; a file from before one was added holds nulls.
    """

    promised: tuple[Promised, ...]
    format: Format
    max_columns: int = MAX_COLUMNS
    offered: tuple[str, ...] = ()

    @property
    def types(self) -> list[pa.DataType]:
        """Of each promised column: text, or bytes."""
        return [pa.binary() if each.kind == "binary" else pa.string() for each in self.promised]

    @property
    def schema(self) -> pa.Schema:
        """Columns of the batches: the contract's, then where each record is from."""
        names = [column.name for column in self.promised]
        cells = [pa.field(*pair) for pair in zip(names, self.types, strict=True)]
        return pa.schema([*cells, *TRAILING])


@dataclass(frozen=True)
class Stamp:
    """Which run reads, and when it started (UTC)."""

    run_id: str
    ingested_at: datetime
