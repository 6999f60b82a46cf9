"""Which reader reads which format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lepton_spark.bronze.columnar import read_parquet
from lepton_spark.bronze.delimited import read_delimited
from lepton_spark.bronze.fixed_width import read_fixed_width
from lepton_spark.bronze.idx import read_idx
from lepton_spark.bronze.json_records import read_json
from lepton_spark.bronze.whole_files import read_whole
from lepton_spark.config.format import Csv, Delta, Files, FixedWidth, Idx, Json, Parquet

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.chunk import Chunk
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.bronze.stream import HashedStream


def chunks(file: LandedFile, stream: HashedStream, layout: Layout) -> Iterator[Chunk]:
    """The records of a file in its format; nothing is read before the first one is asked for.

    Raises:
        DataError: The file is not of the promised form.
    """
    match layout.format:
        case Parquet() | Delta() as form:
            with stream.seekable_copy() as stored:
                yield from read_parquet(file, stored, layout, form)
        case Csv() as form:
            yield from read_delimited(file, stream.buffered(file.path), layout, form)
        case Json() as form:
            yield from read_json(file, stream.buffered(file.path), layout, form)
        case FixedWidth() as form:
            yield from read_fixed_width(file, stream.buffered(file.path), layout, form)
        case Idx() as form:
            yield from read_idx(file, stream.buffered(file.path), layout, form)
        case Files() as form:
            yield from read_whole(file, stream.buffered(file.path), layout, form)
