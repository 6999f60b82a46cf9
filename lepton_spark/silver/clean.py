"""Cells as people write them become cells as machines read them; what is unclear stays unclear."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import pandas as pd  # noqa: TC002  # Spark reads the types of the function below
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import StringType

from lepton_spark.config.column import NUMBERS

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression

    from lepton_spark.config.clean import Clean, Number
    from lepton_spark.config.contract import Column

_ENDS = r"(?U)^\s+|\s+$"
_RUN = r"(?U)\s+"
_MINUS = "\u2212"
_NO_VALUE = "?"  # parses as nothing, so that the cell gets its reason
_CASES = {"lower": F.lower, "upper": F.upper, "title": F.initcap}
_EXACT = "decimal(28,10)"


def cleaned(cell: Expression, column: Column, clean: Clean) -> Expression:
    """The text of a cell as its column's settings make it.

    Args:
        cell: Text; null stays null.
        column: What the contract promises.
        clean: What is done, in the order of its keys. Sentinels are compared as texts here, those
            of numbers also by their value in `without_sentinels`.

    Returns:
        Text that parses where the cell can be understood, else text that does not. Unicode forms
        cost a pass through Python; all else is one expression of the engine.
    """
    if clean.unicode is not None:
        cell = _in_form(cell, clean.unicode)
    if clean.blanks == "collapse":
        cell = F.regexp_replace(cell, _RUN, " ")
    if clean.blanks != "keep":
        cell = F.regexp_replace(cell, _ENDS, "")
    if clean.case is not None:
        cell = _CASES[clean.case](cell)
    for right, others in clean.spelling.items():
        cell = F.when(cell.isin(*others), F.lit(right)).otherwise(cell)
    if clean.nulls:
        cell = F.when(~cell.isin(*clean.nulls), cell)
    if clean.nearest is not None and column.allowed:
        cell = _nearest(cell, column.allowed, clean.nearest)
    if clean.number is not None:
        cell = _plain_number(cell, column, clean.number)
    if clean.formats:
        cell = _iso_date(cell, clean.formats)
    return cell


def without_sentinels(value: Expression, column: Column, clean: Clean) -> Expression:
    """A number, or null where it is one of those that mean: no value."""
    numbers = [text for text in clean.nulls if _is_number(column) and _reads(text)]
    if not numbers:
        return value
    return F.when(~value.isin(*(F.lit(text).cast("decimal(38,10)") for text in numbers)), value)


def unit_problem(cell: Expression, clean: Clean) -> Expression | None:
    """The reason why the unit of a number cannot be used; None where units play no part."""
    if clean.number is None or not clean.number.units:
        return None
    number = _pattern(clean.number)
    has_unit = rf"(?U)^\s*(?:\D*{number}|{number}\s*\D+)\s*$"
    known = _with_unit(clean.number)
    bare = rf"(?U)^\s*{number}\s*$"
    wrong = F.when(cell.rlike(known), F.lit(None).cast("string"))
    if "" not in clean.number.units:
        wrong = wrong.when(cell.rlike(bare), F.lit("no_unit"))
    return wrong.when(cell.rlike(has_unit) & ~cell.rlike(bare), F.lit("unknown_unit"))


def _is_number(column: Column) -> bool:
    return column.kind in NUMBERS


def _reads(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) is not None


def _in_form(cell: Expression, form: Literal["NFC", "NFKC"]) -> Expression:
    # Spark has no function for Unicode normal forms.
    @pandas_udf(StringType())  # type: ignore[call-overload, untyped-decorator]  # by hints
    def in_form(cells: pd.Series) -> pd.Series:
        return cells.str.normalize(form)

    normalised: Expression = in_form(cell)
    return normalised


def _nearest(cell: Expression, allowed: Sequence[str], most: int) -> Expression:
    """The allowed text that differs by the fewest letters, where it is the only one."""
    measured = F.array(
        *(
            F.struct(F.levenshtein(cell, F.lit(text), most).alias("far"), F.lit(text).alias("text"))
            for text in allowed
        )
    )
    near = F.array_sort(F.filter(measured, lambda each: each["far"] >= F.lit(0)))
    first, second = (F.try_element_at(near, F.lit(place)) for place in (1, 2))
    is_alone = second.isNull() | (second["far"] > first["far"])
    return F.when(first.isNotNull() & is_alone, first["text"]).otherwise(cell)


def _pattern(number: Number) -> str:
    """A number as it is written, with no group that could be captured."""
    digits = "[0-9]+"
    if number.thousands is not None:
        digits = rf"(?:[0-9]{{1,3}}(?:{_thousands(number)}[0-9]{{3}})+|[0-9]+)"
    point = re.escape(number.decimal)
    exponent = "(?:[eE][+-]?[0-9]+)?" if number.thousands is None else ""
    plain = rf"[+\-{_MINUS}]?(?:{digits}(?:{point}[0-9]*)?|{point}[0-9]+){exponent}"
    return rf"(?:{plain}|\({plain}\))" if number.parentheses else plain


def _thousands(number: Number) -> str:
    return "[ \u00a0\u2009\u202f]" if number.thousands == " " else re.escape(number.thousands or "")


def _with_unit(number: Number) -> str:
    """A number with a known unit before or after it: groups are unit, number, number, unit."""
    named = sorted((unit for unit in number.units if unit), key=len, reverse=True)
    units = "|".join(re.escape(unit) for unit in named) or r"\b\B"
    value = _pattern(number)
    return rf"(?U)^\s*(?:({units})\s*({value})|({value})\s*({units}))\s*$"


def _plain_number(cell: Expression, column: Column, number: Number) -> Expression:
    value = _pattern(number)
    if not number.units:
        whole = rf"(?U)^\s*({value})\s*$"
        found = _unpunctuated(F.regexp_extract(cell, whole, 1), number)
        return F.when(cell.isNotNull(), F.when(cell.rlike(whole), found).otherwise(_NO_VALUE))
    pattern, bare = _with_unit(number), rf"(?U)^\s*({value})\s*$"
    parts = [F.regexp_extract(cell, pattern, place) for place in (1, 2, 3, 4)]
    unit, text = F.concat(parts[0], parts[3]), F.concat(parts[1], parts[2])
    found = F.when(cell.isNull(), F.lit(None).cast("string"))
    for name, factor in number.units.items():
        if name:
            is_unit = cell.rlike(pattern) & (unit == F.lit(name))
            found = found.when(is_unit, _times(_unpunctuated(text, number), factor, column))
    if "" in number.units:
        plain = _unpunctuated(F.regexp_extract(cell, bare, 1), number)
        found = found.when(cell.rlike(bare), _times(plain, number.units[""], column))
    return found.otherwise(_NO_VALUE)


def _unpunctuated(text: Expression, number: Number) -> Expression:
    """A number with a point and a leading minus only."""
    if number.parentheses:
        text = F.regexp_replace(text, r"^\((.*)\)$", "-$1")
        text = F.regexp_replace(text, rf"^-[-{_MINUS}]", "")
    text = F.replace(text, F.lit(_MINUS), F.lit("-"))
    if number.thousands is not None:
        text = F.regexp_replace(text, _thousands(number), "")
    return F.replace(text, F.lit(number.decimal), F.lit("."))


def _times(text: Expression, factor: float, column: Column) -> Expression:
    if factor == 1:
        return text
    if column.kind == "number":
        return (text.try_cast("double") * F.lit(factor)).cast("string")
    exact = F.try_multiply(text.try_cast(_EXACT), F.lit(repr(factor)).cast("decimal(10,9)"))
    return F.coalesce(exact.cast("string"), F.lit(_NO_VALUE))


def _iso_date(cell: Expression, formats: Sequence[str]) -> Expression:
    dates = [F.try_to_date(cell, pattern) for pattern in formats]
    written = F.date_format(F.coalesce(*dates), "yyyy-MM-dd")
    return F.when(cell.isNotNull(), F.coalesce(written, F.lit(_NO_VALUE)))
