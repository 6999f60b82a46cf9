"""What one word of YAML means without quotes: nothing, a boolean, a number or text."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

Scalar = str | int | float | bool | None

_UNCLEAR_WORD = re.compile(r"y|n|yes|no|on|off|true|false", re.IGNORECASE)
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")
_UNCLEAR_NUMBER = re.compile(r"[-+]?(0[0-9_]+|0[xob][0-9a-fA-F_]+|[0-9]+(_[0-9]+)+)")
_FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)


class ScalarError(ValueError):
    """A word that may mean several things; its texts are shown to the user."""

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what, why, fix)
        self.what = what
        self.why = why
        self.fix = fix


def plain_value(text: str) -> Scalar:
    """What a word means.

    Raises:
        ScalarError: Readers of YAML disagree about it, or it is a number that would be changed.
    """
    if text in ("", "null", "~"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _UNCLEAR_WORD.fullmatch(text) or _UNCLEAR_NUMBER.fullmatch(text):
        raise ScalarError(
            f"{text!r} without quotes may mean text, a number or a boolean",
            "readers of YAML disagree about it; only true and false are booleans here",
            f'quote it: "{text}"; or write true, false or a plain number',
        )
    if _WHOLE.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return _fraction(text)
    if _SPECIAL.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def is_plain_text(text: str) -> bool:
    """Whether a text means itself, so that it needs no quotes for what it says."""
    try:
        return isinstance(plain_value(text), str)
    except ScalarError:
        return False


def _fraction(text: str) -> float:
    number = float(text)
    try:
        is_kept = Decimal(text) == Decimal(repr(number))
    except InvalidOperation:  # its exponent has too many digits
        is_kept = False
    if not is_kept:
        raise ScalarError(
            f"{text!r} has more digits than a number here can hold",
            "it would become another number, and nobody would be told",
            f'quote it where a decimal is wanted: "{text}"; or write fewer digits',
        )
    return number
