"""Row groups of Parquet files, read where the work is: no Spark, no JVM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from lepton_spark.errors import DataError, EnvironmentFault

if TYPE_CHECKING:
    from lepton_spark.dataset.shards import Piece


def read_table(path: str, row_group: int, columns: Sequence[str]) -> pa.Table:
    """Read columns of one row group, checksums of its pages verified.

    Args:
        path: Path or URI that pyarrow can reach.
        row_group: Number of the row group.
        columns: Names, each in the file.

    Returns:
        Each column once, in the order of their names here.

    Raises:
        EnvironmentFault: The file is gone, cannot be reached, or is damaged.
        DataError: A column is missing.
    """
    names = list(dict.fromkeys(columns))
    return _read(path, row_group, names).select(names)


def read_piece(piece: Piece, columns: Sequence[str]) -> pa.Table:
    """Read the rows of a piece.

    Raises:
        DataError: The row group does not hold as many rows as was planned.
    """
    rows = read_table(piece.path, piece.row_group, columns)
    if rows.num_rows != piece.group_rows:
        raise _other_rows(piece, rows.num_rows)
    return rows.slice(piece.start, piece.rows)


def iter_piece(piece: Piece, columns: Sequence[str], rows_at_once: int) -> Iterator[pa.Table]:
    """Read a whole row group in parts, so that memory holds only one of them.

    Args:
        piece: All rows of a row group.
        columns: Names, each in the file.
        rows_at_once: Rows of a part at most.

    Returns:
        Tables one after the other, columns as of `read_table`.

    Raises:
        EnvironmentFault: As `read_table`.
        DataError: As `read_piece`.
    """
    names = list(dict.fromkeys(columns))
    num_rows = 0
    with _opened(piece.path, names) as file:
        parts = file.iter_batches(
            rows_at_once, row_groups=[piece.row_group], columns=names, use_threads=False
        )
        for part in parts:
            num_rows += part.num_rows
            yield pa.Table.from_batches([part]).select(names)
    if num_rows != piece.group_rows:
        raise _other_rows(piece, num_rows)


def _read(path: str, row_group: int, columns: list[str]) -> pa.Table:
    with _opened(path, columns) as file:
        return file.read_row_group(row_group, columns=columns, use_threads=False)


@contextmanager
def _opened(path: str, columns: list[str]) -> Iterator[pq.ParquetFile]:
    """A file that has some columns; what goes wrong with it inside is told as an error of ours."""
    try:
        source, metadata = _open(path), _metadata(path)
        missing = sorted(set(columns) - set(metadata.schema.to_arrow_schema().names))
        if missing:
            raise _missing_columns(path, missing)
        with pq.ParquetFile(
            source, metadata=metadata, page_checksum_verification=True, pre_buffer=False
        ) as file:
            yield file
    except FileNotFoundError as error:
        raise EnvironmentFault(
            "LS-5031",
            f"the file {path} is gone",
            "a table version is read from the files that it was written in",
            "restore the table to an earlier version, or build it again",
        ) from error
    except MemoryError:  # Arrow's is one of its errors too
        raise
    except (OSError, pa.ArrowException) as error:
        if getattr(error, "errno", None):  # the machine's fault, not the file's
            raise
        raise EnvironmentFault(
            "LS-5032",
            f"the file {path} cannot be read ({type(error).__name__})",
            "each page of a Parquet file must have its checksum; storage or upload damaged it",
            "restore the table to an earlier version, or build it again",
        ) from error


def _other_rows(piece: Piece, num_rows: int) -> DataError:
    return DataError(
        "LS-2061",
        f"row group {piece.row_group} of {piece.path} has {num_rows} rows, planned were "
        f"{piece.group_rows}",
        "the files of a table version never change",
        "restore the table, then prepare the dataset again",
    )


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
