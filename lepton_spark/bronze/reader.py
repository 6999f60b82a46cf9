"""One raw file becomes Arrow batches, in a Spark worker and in bounded memory; knows no Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lepton_spark.bronze.chunk import Chunk, chunk_of
from lepton_spark.bronze.formats import chunks
from lepton_spark.bronze.layout import INSTANT, Layout, Stamp
from lepton_spark.bronze.records import Record
from lepton_spark.bronze.stream import digest_of, failure_told, open_hashed
from lepton_spark.errors import DataError, EnvironmentFault, LeptonError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile

REFUSED_FILE = "!file"


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
    with failure_told(file):
        stream, digest = open_hashed(file)
        yield from _batches(chunks(file, stream, layout), layout, _Origin(file, digest, stamp))
        stream.verify(file, digest)


def count_records(file: LandedFile, layout: Layout) -> tuple[int, str]:
    """How many records a file holds, and its SHA-256; reads it again.

    Raises:
        DataError: As `read`.
        EnvironmentFault: As `read`.
    """
    with failure_told(file):
        stream, digest = open_hashed(file)
        num_records = sum(chunk.num_rows for chunk in chunks(file, stream, layout))
        stream.verify(file, digest)
    return num_records, digest


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


def _batches(found: Iterator[Chunk], layout: Layout, origin: _Origin) -> Iterator[pa.RecordBatch]:
    """Each chunk with its origin; the last row of all says how many there are."""
    num_records = 0
    last: Chunk | None = None
    for chunk in found:
        if last is not None:
            yield _batch(last, layout, origin, None)
        last = chunk
        num_records += chunk.num_rows
    if last is not None:
        yield _batch(last, layout, origin, num_records)


def _batch(
    chunk: Chunk, layout: Layout, origin: _Origin, num_records: int | None
) -> pa.RecordBatch:
    """Columns of the contract, then of the origin; `num_records` only in the file's last row."""
    totals = pa.array([*[None] * (chunk.num_rows - 1), num_records], pa.int64())
    own: list[Any] = [
        chunk.problems,
        chunk.raw,
        pa.repeat(pa.scalar(origin.file.path), chunk.num_rows),
        chunk.rows,
        totals,
        *_constants(origin, chunk.num_rows),
    ]
    return pa.RecordBatch.from_arrays([*chunk.columns, *own], schema=layout.schema)


def _constants(origin: _Origin, num_rows: int) -> list[Any]:
    values = (
        pa.scalar(origin.digest),
        pa.scalar(origin.file.size, pa.int64()),
        pa.scalar(origin.file.modified_at, INSTANT),
        pa.scalar(origin.file.arrived_at, INSTANT),
        pa.scalar(origin.stamp.ingested_at, INSTANT),
        pa.scalar(origin.stamp.run_id),
    )
    return [pa.repeat(value, num_rows) for value in values]


def _refused(file: LandedFile, layout: Layout, stamp: Stamp, error: LeptonError) -> pa.RecordBatch:
    text = json.dumps([type(error).__name__, error.code, error.what, error.why, error.fix])
    record = Record(0, None, REFUSED_FILE, text)
    chunk = chunk_of([record], layout, range(len(layout.promised)))
    return _batch(chunk, layout, _Origin(file, "", stamp), None)
