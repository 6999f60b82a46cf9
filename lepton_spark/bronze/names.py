"""The names of all columns that a raw file has, whatever a contract says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.bronze.columnar import is_bytes, names_of_parquet
from lepton_spark.bronze.delimited import header_of
from lepton_spark.bronze.idx import COLUMNS as IDX_COLUMNS
from lepton_spark.bronze.json_records import keys_of
from lepton_spark.bronze.stream import open_hashed
from lepton_spark.bronze.whole_files import COLUMNS, IMAGE_COLUMNS
from lepton_spark.config.format import Csv, Delta, Files, FixedWidth, Format, Idx, Json, Parquet

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile


def names_in(file: LandedFile, form: Format) -> dict[str, str]:
    """Name in the file to `binary` where it holds bytes, else `string`.

    Args:
        file: Any file of the source.
        form: How it is written. Without a header columns are called `column_1`, `column_2`, ...

    Raises:
        DataError: The file is not of the form.
    """
    stream, _ = open_hashed(file)
    match form:
        case Csv():
            return dict.fromkeys(header_of(file, stream.buffered(file.path), form), "string")
        case Json():
            return dict.fromkeys(keys_of(file, stream.buffered(file.path), form), "string")
        case Parquet() | Delta():
            with stream.seekable_copy() as stored:
                kinds = names_of_parquet(file, stored)
            names = {n: "binary" if is_bytes(kind) else "string" for n, kind in kinds.items()}
            return names | dict.fromkeys(dict(file.partition), "string")
        case FixedWidth():
            return dict.fromkeys(form.columns, "string")
        case Idx():
            return dict.fromkeys(IDX_COLUMNS[:2], "string")
        case Files():
            offered = COLUMNS + (IMAGE_COLUMNS if form.content == "image" else ())
            content = "string" if form.content == "text" else "binary"
            return {name: content if name == "content" else "string" for name in offered}
