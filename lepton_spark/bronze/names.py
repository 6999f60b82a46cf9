"""The names of all columns that a raw file has and their types, whatever a contract says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from lepton_spark.bronze.chunk import is_text
from lepton_spark.bronze.columnar import names_of_parquet
from lepton_spark.bronze.delimited import header_of
from lepton_spark.bronze.idx import kinds_in
from lepton_spark.bronze.json_records import keys_of
from lepton_spark.bronze.stream import failure_told, open_once
from lepton_spark.config.format import Csv, Delta, Files, FixedWidth, Format, Idx, Json, Parquet

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile


def names_in(file: LandedFile, form: Format) -> dict[str, pa.DataType | None]:
    """Name in the file to the type stored there; None for text that any kind may be read from.

    Args:
        file: Any file of the source.
        form: How it is written. Without a header columns are called `column_1`, `column_2`, ...

    Raises:
        DataError: The file is not of the form, or its compressed data are damaged.
        EnvironmentFault: It cannot be read.
    """
    with failure_told(file):
        return _names(file, form)


def _names(file: LandedFile, form: Format) -> dict[str, pa.DataType | None]:
    stream = open_once(file)
    match form:
        case Csv():
            return dict.fromkeys(header_of(file, stream.buffered(file.path), form))
        case Json():
            return dict.fromkeys(keys_of(file, stream.buffered(file.path), form))
        case Parquet() | Delta():
            with stream.seekable_copy() as stored:
                kinds = names_of_parquet(file, stored)
            is_read = {name for name, kind in kinds.items() if form.from_text and is_text(kind)}
            return kinds | dict.fromkeys([*is_read, *dict(file.partition)])
        case FixedWidth():
            return dict.fromkeys(form.offered)
        case Idx():
            return dict(kinds_in(file, stream.buffered(file.path)))
        case Files():
            content = None if form.content == "text" else pa.binary()
            return dict.fromkeys(form.offered) | {"content": content}
