"""What JSON says of its values besides their text."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from lepton_spark.bronze.header import fold
from lepton_spark.bronze.json_records import ITSELF, parse
from lepton_spark.bronze.text import lines_of

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
    for each in islice(_objects(file, content, form), _SAMPLED):
        with contextlib.suppress(RecursionError):
            found.update(fold(path) for path in _texts(each, form.nulls))
    return frozenset(found)


def is_document(file: LandedFile, content: io.BufferedReader) -> bool:
    """Whether a file begins with an array or an object that does not end on its line."""
    lines = lines_of(file, content, "utf-8")
    first = (lines.next() or "").strip()
    return first.startswith("[") or (first.startswith("{") and _parsed(first) is None)


def _objects(
    file: LandedFile, content: io.BufferedReader, form: Json
) -> Iterator[Mapping[str, Any]]:
    """The objects among the records of a file; what is none is left out."""
    if form.records is None:
        lines = lines_of(file, content, "utf-8")
        found: Any = (_parsed(line) for line in iter(lines.next, None))
    else:
        found = _parsed(content.read().decode("utf-8-sig"))
        for key in () if form.records == ITSELF else form.records.split("."):
            found = found[key]
    yield from (each for each in found if isinstance(each, dict))


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
