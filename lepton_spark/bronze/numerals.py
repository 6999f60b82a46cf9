"""Numbers as people write them: with a decimal comma, groups of digits, a currency or a unit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

# Numbers that mean no value in many files.
STAND_INS: Mapping[float, str] = {
    float(text): text
    for text in (
        "-1", "-9", "-99", "-999", "-9999", "-99.9", "-99.99", "-200", "99", "999", "9999",
    )
}  # fmt: skip
_NEAR = 2  # -1 is no further from 1: both may be values of a label
_MINUS = "\u2212"
_SPACES = " \u00a0\u2009\u202f"
_CURRENCIES = (
    "€", "$", "£", "¥", "₹", "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "CAD", "AUD", "SEK",
    "NOK", "DKK", "PLN", "CZK", "HUF", "BRL", "MXN", "TRY", "ZAR", "KRW",
)  # fmt: skip
_UNITS = (
    *_CURRENCIES, "%", "‰", "°", "°C", "°F", "kg", "g", "mg", "t", "lb", "oz", "km", "m", "cm",
    "mm", "mi", "ft", "l", "ml", "h", "min", "s", "ms", "W", "kW", "kWh", "MWh", "V", "Hz", "kB",
    "MB", "GB", "TB",
)  # fmt: skip


class Style(NamedTuple):
    """What is written before the fraction of a number, and between groups of three digits."""

    decimal: str
    thousands: str | None


def _one_of(texts: tuple[str, ...]) -> str:
    return "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))


def _expression(style: Style) -> re.Pattern[str]:
    """Numbers of a style, some with a unit."""
    whole = "0|[1-9][0-9]*"
    if style.thousands is not None:
        between = f"[{_SPACES}]" if style.thousands == " " else re.escape(style.thousands)
        whole = f"[1-9][0-9]{{0,2}}(?:{between}[0-9]{{3}})+|{whole}"
    number = rf"[+\-{_MINUS}]?(?:{whole})(?:{re.escape(style.decimal)}[0-9]+)?"
    return re.compile(
        rf"(?:(?P<before>{_one_of(_CURRENCIES)})\s?)?(?P<number>{number})"
        rf"(?:\s?(?P<after>{_one_of(_UNITS)}))?"
    )


# The first that fits is told: of 1,5 not also that points may stand between thousands.
_STYLES = {
    Style(decimal, thousands): _expression(Style(decimal, thousands))
    for decimal, thousands in (
        (".", None), (",", None), (",", "."), (".", ","), (".", " "), (",", " "), (".", "'"),
    )
}  # fmt: skip


@dataclass
class Numerals:
    """What the numbers among the cells of a column tell.

    Args:
        styles: Those in which every cell is a number; none where a cell is one in no style.
        num_plain: Cells that are numbers as machines write them.
        num_styled: Other cells that are numbers.
        units: Those that were there, of those that many know; empty for a number without one.
        stand_ins: Cells of each number that may mean no value.
        low: The least other number.
        high: The greatest other number.
    """

    styles: list[Style] = field(default_factory=lambda: list(_STYLES))
    num_plain: int = 0
    num_styled: int = 0
    units: set[str] = field(default_factory=set)
    stand_ins: Counter[float] = field(default_factory=Counter)
    low: float = float("inf")
    high: float = float("-inf")

    def add_plain(self, text: str, times: int) -> None:
        """Take in a number as machines write it, without blanks around it."""
        if not text.isdigit():
            self.styles = [
                each for each in self.styles if each.decimal == "." or _STYLES[each].fullmatch(text)
            ]
        self.num_plain += times
        self.units.add("")
        self._count(float(text), times)

    def add(self, text: str, times: int) -> None:
        """Take in a text that is no such number."""
        if not self.styles:
            return
        tried = [(each, _STYLES[each].fullmatch(text)) for each in self.styles]
        fitting = [(each, match) for each, match in tried if match is not None]
        self.styles = [each for each, _ in fitting]
        if fitting:
            style, match = fitting[0]
            self.num_styled += times
            self.units.add(match["before"] or match["after"] or "")
            self._count(_value(match["number"], style), times)

    def _count(self, number: float, times: int) -> None:
        if number in STAND_INS:
            self.stand_ins[number] += times
        else:
            self.low, self.high = min(self.low, number), max(self.high, number)

    def is_apart(self, number: float) -> bool:
        """Whether a number lies apart from those that are no stand-ins; never where none is."""
        span = self.high - self.low
        if span < 0:
            return False
        is_only_negative = number < 0 <= self.low and self.high > 1
        gap = max(self.low - number, number - self.high)
        return is_only_negative or gap > max(span / 2, _NEAR)


def _value(text: str, style: Style) -> float:
    if style.thousands is not None:
        text = re.sub(f"[{_SPACES}{style.thousands}]", "", text)
    return float(text.replace(_MINUS, "-").replace(style.decimal, "."))
