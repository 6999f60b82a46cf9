"""Row groups of Parquet files, read where the work is: no Spark, no JVM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from lepton_spark.errors import DataError, EnvironmentFault

if TYPE_CHECKING:
    from lepton_spark.dataset.shards import Piece


@dataclass(frozen=True)
class Selection:
    """Keep the rows in which a text column has one value; no column keeps all rows."""

    column: str | None = None
    value: str = ""


def read_table(
    path: str, row_group: int, columns: Sequence[str], selection: Selection | None = None
) -> pa.Table:
    """Read columns of one row group, checksums of its pages verified.

    Args:
        path: Path or URI that pyarrow can reach.
        row_group: Number of the row group.
        columns: Names, each in the file.
        selection: Rows to keep; its column need not be among `columns`.

    Raises:
        EnvironmentFault: The file is gone, cannot be reached, or is damaged.
        DataError: A column is missing.
    """
    selection = selection or Selection()
    wanted = list(dict.fromkeys((*columns, *([selection.column] if selection.column else ()))))
    rows = _read(path, row_group, wanted)
    if selection.column:
        rows = rows.filter(pc.equal(rows.column(selection.column), selection.value))
    return rows.select(list(columns))


def read_piece(piece: Piece, columns: Sequence[str], selection: Selection) -> pa.Table:
    """Read the rows of a piece.

    Raises:
        DataError: The row group does not hold as many rows of the selection as was planned.
    """
    rows = read_table(piece.path, piece.row_group, columns, selection)
    if rows.num_rows != piece.kept:
        raise DataError(
            "LS-2061",
            f"row group {piece.row_group} of {piece.path} has {rows.num_rows} rows of the part "
            f"{selection.value or 'all'}, planned were {piece.kept}",
            "the files of a table version never change",
            "restore the table, then prepare the dataset again",
        )
    return rows.slice(piece.start, piece.rows)


def _read(path: str, row_group: int, columns: list[str]) -> pa.Table:
    try:
        source, metadata = _open(path), _metadata(path)
        missing = sorted(set(columns) - set(metadata.schema.to_arrow_schema().names))
        if missing:
            raise _missing_columns(path, missing)
        with pq.ParquetFile(
            source, metadata=metadata, page_checksum_verification=True, pre_buffer=False
        ) as file:
            return file.read_row_group(row_group, columns=columns, use_threads=False)
    except FileNotFoundError as error:
        raise EnvironmentFault(
            "LS-5031",
            f"the file {path} is gone",
            "a table version is read from the files that it was written in",
            "restore the table to an earlier version, or build it again",
        ) from error
    except (OSError, pa.ArrowException) as error:
        raise EnvironmentFault(
            "LS-5032",
            f"the file {path} cannot be read ({type(error).__name__})",
            "each page of a Parquet file must have its checksum; storage or upload damaged it",
            "restore the table to an earlier version, or build it again",
        ) from error


def _missing_columns(path: str, missing: list[str]) -> DataError:
    return DataError(
        "LS-2062",
        f"the file {path} lacks the columns {missing}",
        "all files of the dataset have the columns of the case",
        "prepare the dataset again",
    )


@lru_cache(maxsize=16)
def _metadata(path: str) -> pq.FileMetaData:
    """The footer; files of a table version never change, so that it may be kept."""
    with _open(path) as source:
        return pq.read_metadata(source)


def _open(path: str) -> pa.NativeFile:
    if "://" not in path and not path.startswith("file:"):
        return fs.LocalFileSystem().open_input_file(path)
    system, inner = fs.FileSystem.from_uri(path.replace("s3a://", "s3://", 1))
    return system.open_input_file(inner)
