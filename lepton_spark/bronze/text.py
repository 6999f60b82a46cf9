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
    text = io.TextIOWrapper(content, codec_of(encoding), errors="replace", newline="")
    lines = Lines(text)
    for _ in range(skip):
        lines.next()
    return lines


def storable(text: str) -> str:
    """The text as UTF-8 can hold it: halves of characters become question marks."""
    return text.encode("utf-8", "replace").decode()


def codec_of(encoding: str) -> str:
    """What Python calls an encoding; UTF-8 may begin with a byte order mark."""
    return "utf-8-sig" if encoding == "utf-8" else encoding
