"""Hold what a case does to the cells of a column against what the contract says of it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from lepton_spark.config.column import NUMBERS
from lepton_spark.config.document import refuse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lepton_spark.config.clean import Clean
    from lepton_spark.config.column import Column

_TEXTS = frozenset({"string"})
_CELLS = NUMBERS | _TEXTS | {"boolean", "date", "timestamp"}
# Which kinds of columns a key means something for.
_KINDS: Mapping[str, frozenset[str]] = {
    "unicode": _CELLS,
    "blanks": _CELLS,
    "case": _TEXTS | {"boolean"},
    "spelling": _CELLS,
    "nearest": _TEXTS,
    "nulls": _CELLS,
    "number": NUMBERS,
    "formats": frozenset({"date"}),
}


def check_emptied(
    place: str, column: Column, clean: Clean, nulls: Collection[str], *, is_key: bool
) -> None:
    """See that a column whose cells are made empty may be empty.

    Args:
        place: Where in the files the settings are.
        column: As the contract has it.
        clean: Its settings.
        nulls: Texts that mean no value in all columns of the files.
        is_key: Whether the column identifies a row.

    Raises:
        ConfigError: Rows would be refused for what cleaning has taken from them.
    """
    if clean.nulls:
        said = "nulls"
    elif any(right in nulls for right in clean.spelling):
        said = "a spelling that means no value"
    else:
        return
    if is_key:
        refuse(
            place,
            f"{column.name} is part of the key, and has {said} under clean",
            "a row without its key is refused",
            "remove it here, or choose another key",
            code="LS-1096",
        )
    if column.is_required:
        refuse(
            place,
            f"{column.name} has {said} under clean, and its contract demands a value",
            "a row without the value is refused as missing, and clean takes it away",
            "remove required, or the rule that demands a value, in the contract; or remove it here",
            code="LS-1096",
        )


def check_clean(place: str, column: Column, clean: Clean) -> None:
    """See that each key means something for the column.

    Args:
        place: Where in the files the settings are.
        column: As the contract has it.
        clean: Its settings.

    Raises:
        ConfigError: One does not, or a text under `nulls` or `spelling` is one that the keys before
            make impossible.
    """
    for key in sorted(clean.model_fields_set):
        if column.kind not in _KINDS[key]:
            refuse(
                place,
                f"{key} means nothing for {column.name}, a {column.kind}",
                f"it is for columns that are {' or '.join(sorted(_KINDS[key]))}",
                "remove it, or correct the type in the contract",
                code="LS-1033",
            )
    if clean.nearest is not None and not column.allowed:
        refuse(
            place,
            f"nearest is set for {column.name}, of which no values are known",
            "a text becomes the nearest of the contract's validValues",
            "list them in the contract, or use spelling",
            code="LS-1033",
        )
    if clean.formats and column.format is not None:
        refuse(
            place,
            f"{column.name} has formats here and a format in the contract",
            "only one of them can be meant",
            "remove the one in the contract",
            code="LS-1033",
        )
    _check_texts(place, column.name, clean)


def _check_texts(place: str, name: str, clean: Clean) -> None:
    """See that cells can still be what they are compared with, once the keys before are done."""
    meant = {"nulls": clean.nulls} | {
        f"spelling.{right}": texts for right, texts in clean.spelling.items()
    }
    for key, texts in meant.items():
        for text in texts:
            if (wanted := _plain(text, clean)) == text:
                continue
            right = key.removeprefix("spelling.")
            is_there = wanted in texts or wanted == right
            refuse(
                place,
                f"{key} under clean of {name} has {text[:80]!r}, which no cell is any more",
                "cells are compared after unicode, blanks and case, in the order of the keys",
                f"remove it: {wanted[:80]!r} is there" if is_there else f"write {wanted[:80]!r}",
                code="LS-1108",
            )


def _plain(text: str, clean: Clean) -> str:
    """A text as cells are when they are compared."""
    if clean.unicode is not None:
        text = unicodedata.normalize(clean.unicode, text)
    if clean.blanks == "collapse":
        text = re.sub(r"\s+", " ", text).strip(" ")
    if clean.blanks == "trim":
        text = text.strip()
    if clean.case == "title":
        # What begins a word besides a blank is for Spark to say.
        is_told = text.replace(" ", "").isalpha()
        return " ".join(map(str.capitalize, text.split(" "))) if is_told else text
    return {"lower": text.lower(), "upper": text.upper(), None: text}[clean.case]
