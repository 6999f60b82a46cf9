"""What JSON says of its values besides their text."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from lepton_spark.bronze.json_records import objects, parse
from lepton_spark.bronze.records import Record
from lepton_spark.bronze.text import lines_of
from lepton_spark.config.column import fold

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.config.format import Json

_SAMPLED = 10_000


def text_keys(file: LandedFile, content: io.BufferedReader, form: Json) -> frozenset[str]:
    """The keys that hold a text in one of the first 10,000 objects, folded; nested ones as `a.b`.

    Args:
        file: Its records can be read.
        content: From its start.
        form: Where they are; a text that means no value does not count.
    """
    found: set[str] = set()
    records = (each for _, each in objects(file, content, form))
    for each in islice((each for each in records if not isinstance(each, Record)), _SAMPLED):
        with contextlib.suppress(RecursionError):
            found.update(fold(path) for path in _texts(each, form.nulls))
    return frozenset(found)


def is_document(file: LandedFile, content: io.BufferedReader) -> bool:
    """Whether a file begins with an array or an object that does not end on its line."""
    lines = lines_of(file, content, "utf-8")
    first = (lines.next() or "").strip()
    return first.startswith("[") or (first.startswith("{") and _parsed(first) is None)


def _parsed(text: str) -> Any:
    try:
        return parse(text)
    except (ValueError, RecursionError):
        return None


def _texts(found: Mapping[str, Any], nulls: Collection[str], prefix: str = "") -> Iterator[str]:
    """The paths of the texts in an object."""
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _texts(value, nulls, f"{prefix}{key}.")
        # Numbers are of a class of their own, so that they stay as they were written.
        elif type(value) is str and value not in nulls:
            yield f"{prefix}{key}"
