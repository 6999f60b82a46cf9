"""One raw file becomes Arrow batches, in a Spark worker and in bounded memory; knows no Spark."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lepton_spark.bronze.header import Promised, positions
from lepton_spark.bronze.records import Dialect, Lines, Record, records, split
from lepton_spark.bronze.stream import HashedStream, digest_of, open_hashed, refuse_foreign
from lepton_spark.errors import DataError, EnvironmentFault, LeptonError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile

REFUSED_FILE = "!file"
_BATCH_ROWS = 8192
_BATCH_CHARACTERS = 8 * 1024 * 1024
_INSTANT = pa.timestamp("us", tz="UTC")
TRAILING = (
    pa.field("_problem", pa.string()),
    pa.field("_raw", pa.string()),
    pa.field("_file", pa.string()),
    pa.field("_row", pa.int64()),
    pa.field("_records", pa.int64()),
    pa.field("_sha256", pa.string()),
    pa.field("_size", pa.int64()),
    pa.field("_modified_at", _INSTANT),
    pa.field("_arrived_at", _INSTANT),
    pa.field("_ingested_at", _INSTANT),
    pa.field("_run_id", pa.string()),
)


@dataclass(frozen=True)
class Layout:
    """How the files of a source are written.

    Args:
        promised: Columns of the contract, in its order.
        has_header: Whether the first line names the columns.
        encoding: Of the text, as Python names it.
        ignore_extra: Whether columns that are not promised are left out.
    """

    promised: tuple[Promised, ...]
    delimiter: str
    quote: str
    has_header: bool
    encoding: str
    ignore_extra: bool

    @property
    def schema(self) -> pa.Schema:
        """Columns of the batches: the contract's as text, then where each record is from."""
        cells = [pa.field(column.name, pa.string()) for column in self.promised]
        return pa.schema([*cells, *TRAILING])


@dataclass(frozen=True)
class Stamp:
    """Which run reads, and when it started (UTC)."""

    run_id: str
    ingested_at: datetime


def read_files(
    files: Sequence[LandedFile], layout: Layout, stamp: Stamp
) -> Iterator[pa.RecordBatch]:
    """The records of files, one row each; the last row of a file says how many there are.

    A file that must be refused gives one row with the problem `!file`, which `refusal_of` turns
    back into the error: an exception would reach the driver as text only.
    """
    for file in files:
        try:
            yield from read(file, layout, stamp)
        except LeptonError as error:
            yield _refused(file, layout, stamp, error)


def read(file: LandedFile, layout: Layout, stamp: Stamp) -> Iterator[pa.RecordBatch]:
    """The records of one file.

    Raises:
        DataError: The file is not text of the promised form, or changes while it is read.
        EnvironmentFault: It cannot be read.
    """
    try:
        stream, digest = open_hashed(file)
        yield from _batches(file, layout, _Origin(file, digest, stamp), stream)
        stream.verify(file, digest)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            "LS-2016",
            f"{file.path}: the compressed data are damaged or cut off.",
            "a file is landed as a whole or not at all.",
            "deliver the file again.",
        ) from error
    except OSError as error:
        raise EnvironmentFault(
            "LS-5020",
            f"{file.path} cannot be read ({type(error).__name__}).",
            "each landed file is read once, as a whole.",
            "check the storage and the rights on the file, then run again.",
        ) from error


def count_records(file: LandedFile, layout: Layout) -> int:
    """How many records a file holds; reads it again."""
    stamp = Stamp("", file.modified_at)
    return sum(batch.num_rows for batch in read(file, layout, stamp))


def hash_files(files: Sequence[LandedFile]) -> Iterator[tuple[str, str]]:
    """The path and SHA-256 of each file; an unreadable one gives an empty digest."""
    for file in files:
        try:
            yield file.path, digest_of(file.uri)
        except OSError:
            yield file.path, ""


def refusal_of(text: str) -> LeptonError:
    """The error that a row with the problem `!file` carries in `_raw`."""
    kind, *parts = json.loads(text)
    return {"EnvironmentFault": EnvironmentFault}.get(kind, DataError)(*parts)


@dataclass(frozen=True)
class _Origin:
    file: LandedFile
    digest: str
    stamp: Stamp


def _batches(
    file: LandedFile, layout: Layout, origin: _Origin, stream: HashedStream
) -> Iterator[pa.RecordBatch]:
    buffered = stream.buffered(is_compressed=file.path.endswith(".gz"))
    refuse_foreign(buffered, file)
    encoding = "utf-8-sig" if layout.encoding == "utf-8" else layout.encoding
    text = io.TextIOWrapper(buffered, encoding, errors="replace", newline="")
    lines = Lines(text)
    width, order = _columns(file, layout, lines)
    gathered: list[Record] = []
    num_records, num_characters = 0, 0
    for record in records(lines, Dialect(layout.delimiter, layout.quote, width)):
        if len(gathered) >= _BATCH_ROWS or num_characters >= _BATCH_CHARACTERS:
            yield _batch(gathered, order, layout, origin, None)
            gathered, num_characters = [], 0
        gathered.append(record)
        num_records += 1
        num_characters += _length(record)
    if gathered:
        yield _batch(gathered, order, layout, origin, num_records)


def _length(record: Record) -> int:
    if record.raw is not None:
        return 2 * len(record.raw)
    return sum(map(len, record.cells or ()))  # type: ignore[arg-type]  # no nulls without a raw text


def _columns(file: LandedFile, layout: Layout, lines: Lines) -> tuple[int, tuple[int, ...]]:
    """How many cells a record has in this file, and where the promised columns are."""
    if not layout.has_header:
        return len(layout.promised), tuple(range(len(layout.promised)))
    first = lines.next()
    # A header is one line: its dialect has no width yet.
    found = split(first, Dialect(layout.delimiter, layout.quote, 0)) if first else None
    if not found:
        raise DataError(
            "LS-2017",
            f"{file.path}: " + ("it is empty." if first is None else "line 1 is no header."),
            "columns are matched by the names in the first line.",
            "deliver the file again with its header, or set csv.header: false.",
        )
    order = positions(found, layout.promised, path=file.path, ignore_extra=layout.ignore_extra)
    return len(found), order


def _batch(
    gathered: list[Record],
    order: tuple[int, ...],
    layout: Layout,
    origin: _Origin,
    num_records: int | None,
) -> pa.RecordBatch:
    """Columns of the contract, then of the origin; `num_records` only in the file's last row."""
    num_rows = len(gathered)
    absent = [None] * (max(order, default=0) + 1)
    cells = list(zip(*(record.cells or absent for record in gathered), strict=False))
    arrays = [pa.array(cells[position], pa.string()) for position in order]
    totals: list[int | None] = [None] * num_rows
    totals[-1] = num_records
    own: list[Any] = [
        pa.array([record.problem for record in gathered], pa.string()),
        pa.array([record.raw for record in gathered], pa.string()),
        pa.repeat(pa.scalar(origin.file.path), num_rows),
        pa.array([record.row for record in gathered], pa.int64()),
        pa.array(totals, pa.int64()),
        *_constants(origin, num_rows),
    ]
    return pa.RecordBatch.from_arrays([*arrays, *own], schema=layout.schema)


def _constants(origin: _Origin, num_rows: int) -> list[Any]:
    values = (
        pa.scalar(origin.digest),
        pa.scalar(origin.file.size, pa.int64()),
        pa.scalar(origin.file.modified_at, _INSTANT),
        pa.scalar(origin.file.arrived_at, _INSTANT),
        pa.scalar(origin.stamp.ingested_at, _INSTANT),
        pa.scalar(origin.stamp.run_id),
    )
    return [pa.repeat(value, num_rows) for value in values]


def _refused(file: LandedFile, layout: Layout, stamp: Stamp, error: LeptonError) -> pa.RecordBatch:
    text = json.dumps([type(error).__name__, error.code, error.what, error.why, error.fix])
    record = Record(0, None, REFUSED_FILE, text)
    order = tuple(range(len(layout.promised)))
    return _batch([record], order, layout, _Origin(file, "", stamp), None)
