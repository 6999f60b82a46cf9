"""The lines of a text file, in the encoding that its source declares."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from lepton_spark.bronze.records import Lines
from lepton_spark.bronze.stream import refuse_foreign

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile


def lines_of(file: LandedFile, content: io.BufferedReader, encoding: str, skip: int = 0) -> Lines:
    """Lines after those that are skipped; bytes that are no text become U+FFFD.

    Raises:
        DataError: The file is not text, or of an encoding that is never read.
    """
    refuse_foreign(content, file)
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    lines = Lines(io.TextIOWrapper(content, codec, errors="replace", newline=""))
    for _ in range(skip):
        lines.next()
    return lines
