"""Dates and local times as people write them, by the patterns that a case may name for them."""

from __future__ import annotations

import re
from collections.abc import Collection

# What bronze writes of a time that Parquet holds without a zone.
STORED_TIME = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"
_LETTERS = {
    "yyyy": "[12][0-9]{3}",
    "MM": "(?:0[1-9]|1[0-2])",
    "M": "(?:0?[1-9]|1[0-2])",
    "dd": "(?:0[1-9]|[12][0-9]|3[01])",
    "d": "(?:0?[1-9]|[12][0-9]|3[01])",
    "HH": "(?:[01][0-9]|2[0-3])",
    "H": "(?:[01]?[0-9]|2[0-3])",
    "hh": "(?:0[1-9]|1[0-2])",
    "h": "(?:0?[1-9]|1[0-2])",
    "mm": "[0-5][0-9]",
    "ss": "[0-5][0-9]",
    "SSSSSS": "[0-9]{1,6}",
    "a": "(?i:[AP]M)",
    "'T'": "T",
}
# Patterns of one meaning stand together, the strictest first.
_DAYS = (
    ("dd.MM.yyyy", "d.M.yyyy"), ("dd/MM/yyyy", "d/M/yyyy"), ("MM/dd/yyyy", "M/d/yyyy"),
    ("dd-MM-yyyy", "d-M-yyyy"), ("yyyy/MM/dd", "yyyy/M/d"), ("yyyyMMdd",),
)  # fmt: skip
_CLOCKS = (
    ("HH:mm", "H:mm"), ("HH:mm:ss", "H:mm:ss"), ("hh:mm a", "h:mm a"), ("hh:mm:ss a", "h:mm:ss a"),
)  # fmt: skip
_TIMES = (
    *((f"yyyy-MM-dd {clock}",) for clock in ("HH:mm", "HH:mm:ss", "HH:mm:ss.SSSSSS")),
    *((f"yyyy-MM-dd'T'{clock}",) for clock in ("HH:mm", "HH:mm:ss", "HH:mm:ss.SSSSSS")),
    *(
        tuple(f"{day} {clock}" for day, clock in zip(days, clocks, strict=True))
        for days in _DAYS
        if len(days) > 1
        for clocks in _CLOCKS
    ),
)


def _expression(pattern: str) -> re.Pattern[str]:
    pieces = re.finditer(r"'T'|([A-Za-z])\1*|[^A-Za-z]", pattern)
    return re.compile("".join(_LETTERS.get(each[0], re.escape(each[0])) for each in pieces))


_PATTERNS = {each: _expression(each) for alike in (*_DAYS, *_TIMES) for each in alike}
PATTERNS = tuple(_PATTERNS)


def fitting(text: str, patterns: Collection[str]) -> list[str]:
    """Those of some patterns that a text without blanks around it is written in."""
    return [each for each in patterns if _PATTERNS[each].fullmatch(text)]


def days_of(patterns: Collection[str]) -> list[str]:
    """Those of some patterns that are of a date alone; of one meaning only the strictest."""
    return _strictest(_DAYS, patterns)


def times_of(patterns: Collection[str]) -> list[str]:
    """Those of some patterns that are of a date and a clock; of one meaning only the strictest."""
    return _strictest(_TIMES, patterns)


def _strictest(alike: Collection[tuple[str, ...]], patterns: Collection[str]) -> list[str]:
    found = (next((each for each in some if each in patterns), None) for some in alike)
    return [each for each in found if each is not None]
