"""Cells as people write them become cells as machines read them; what is unclear stays unclear."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
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

# All that Unicode calls white space.
_BLANKS = "\t\n\v\f\r \x85\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
# More than one, or one that is no plain space: nothing else has to be replaced.
_RUN = r"(?U)[\s&&[^ ]]\s*| \s+"
_MINUS = "\u2212"
_SIGN = rf"[+\-{_MINUS}]"
_MARK = "\u0001"  # between a unit and its number
_NO_VALUE = _MARK  # parses as nothing, and means no value nowhere: the cell gets its reason
_CASES = {"lower": F.lower, "upper": F.upper, "title": F.initcap}
_EXACT = "decimal(28,10)"
_EXPONENT = "(?:[eE][+-]?[0-9]+)?"
_DIGITS_OF_LONG = 18
# What letters of a date pattern read; others may read words, and punctuation may mean more.
_DIGITS = {
    "yyyy": "[+-]?[0-9]{4,}",
    **dict.fromkeys(("MM", "dd", "HH", "hh", "mm", "ss"), "[0-9]{2}"),
    **dict.fromkeys("yMdDHhms", "[+-]?[0-9]+"),
}
_PLAIN = frozenset("-./:, ")

Step = Callable[["Expression"], "Expression"]
_Form = tuple[tuple[str, str], ...]  # pieces in order: `unit` or `text`, and a pattern


def steps(column: Column, clean: Clean, nulls: Sequence[str]) -> tuple[Step, ...]:
    """What is done to the text of a cell, one after the other.

    Args:
        column: What the contract promises.
        clean: What is done, in the order of its keys. Sentinels are compared as texts here, those
            of numbers also by their value in `without_sentinels`.
        nulls: Texts that mean: no value, in the file and after cleaning.

    Returns:
        Functions from text to text; null stays null. Each may use what it is given many times: a
        caller projects the result of one before the next, so that it is computed once. The last
        one gives text that parses where the cell can be understood, else text that does not.
        Unicode forms cost a pass through Python; all else are expressions of the engine.
    """
    found: list[Step] = []
    if (clean.unicode, clean.blanks, clean.case) != (None, "keep", None):
        found.append(lambda cell: _plain(_without(cell, nulls), clean))
    found.append(lambda cell: _spelt(cell, clean, nulls))
    if clean.nearest is not None and column.allowed:
        allowed, most = column.allowed, clean.nearest
        found.append(lambda cell: _nearest(cell, allowed, most))
        found.append(lambda cell: _without(cell, [*nulls, *clean.nulls]))
    if clean.number is not None:
        number = clean.number
        found.append(lambda cell: _marked(cell, number))
        found.append(lambda cell: _plain_number(cell, column, number))
    if clean.formats:
        found.append(lambda cell: _iso_date(cell, clean.formats))
    if clean.number is not None or clean.formats:
        # What is written now has digits: other texts without a value were found before.
        written = [text for text in nulls if any(map(str.isdigit, text))]
        found += [lambda cell: _without(cell, written)] if written else []
    return tuple(found)


def without_sentinels(value: Expression, column: Column, clean: Clean) -> Expression:
    """A number, or null where it is one of those that mean: no value."""
    texts = [text for text in clean.nulls if _is_number(column) and _reads(text)]
    numbers = [number for text in texts if (number := _number_of(text, column)) is not None]
    return F.when(~value.isin(*numbers), value) if numbers else value


def unit_problem(cell: Expression, clean: Clean) -> Expression | None:
    """The reason why the unit of a number cannot be used; None where units play no part."""
    if clean.number is None or not clean.number.units:
        return None
    number, unsigned = _pattern(clean.number), _unsigned(clean.number)
    # Without its blanks: three patterns that each may take them would try all ways to share them.
    cell = F.btrim(cell, F.lit(_BLANKS))
    unit = rf"[^0-9+\-{_MINUS}()]*"
    within = rf"|\({unit}{unsigned}{unit}\)" if clean.number.parentheses else ""
    has_unit = rf"^(?:\D*{number}|{number}\D+{within})$"
    named = _named(clean.number)
    known = rf"(?U)^(?:{_alternatives(_forms(clean.number))})$" if named else r"\b\B"
    bare = rf"^{number}$"
    wrong = F.when(cell.rlike(known), F.lit(None).cast("string"))
    if "" not in clean.number.units:
        wrong = wrong.when(cell.rlike(bare), F.lit("no_unit"))
    return wrong.when(cell.rlike(has_unit) & ~cell.rlike(bare), F.lit("unknown_unit"))


def _is_number(column: Column) -> bool:
    return column.kind in NUMBERS


def _reads(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) is not None


def _number_of(text: str, column: Column) -> Expression | None:
    """A number as the column holds it; None where it never does."""
    if column.kind == "number":
        return F.lit(float(text))
    places, digits = column.scale or 0, column.precision or _DIGITS_OF_LONG
    exact = Fraction(text) * 10**places
    if exact.denominator > 1 or abs(exact) >= 10**digits:
        return None
    is_whole = column.kind == "integer"
    return F.lit(int(exact)) if is_whole else F.lit(text).cast(f"decimal({digits},{places})")


def _without(cell: Expression, nulls: Sequence[str]) -> Expression:
    return F.when(~cell.isin(*nulls), cell) if nulls else cell


def _plain(cell: Expression, clean: Clean) -> Expression:
    """One Unicode form, blanks and letters; uses the cell once."""
    if clean.unicode is not None:
        cell = _in_form(cell, clean.unicode)
    if clean.blanks == "collapse":
        cell = F.trim(F.regexp_replace(cell, _RUN, " "))
    if clean.blanks == "trim":
        cell = F.btrim(cell, F.lit(_BLANKS))
    return cell if clean.case is None else _CASES[clean.case](cell)


def _spelt(cell: Expression, clean: Clean, nulls: Sequence[str]) -> Expression:
    """The right text of those that mean it, and null for those that mean no value."""
    nothing = {*nulls, *clean.nulls}
    nothing |= {text for each in clean.spelling for text in clean.spelling[each] if each in nothing}
    meaning = {None: sorted(nothing)} | {
        right: texts for right, texts in clean.spelling.items() if right not in nothing
    }
    branches = [
        (cell.isin(*texts), F.lit(right).cast("string"))
        for right, texts in meaning.items()
        if texts
    ]
    if not branches:
        return cell
    found = F.when(*branches[0])
    for is_written, right in branches[1:]:
        found = found.when(is_written, right)
    return found.otherwise(cell)


def _in_form(cell: Expression, form: Literal["NFC", "NFKC"]) -> Expression:
    # Spark has no function for Unicode normal forms.
    @pandas_udf(StringType())  # type: ignore[call-overload, untyped-decorator]  # by hints
    def in_form(cells: pd.Series) -> pd.Series:
        """The texts in the Unicode form; null stays null."""
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
    unsigned = _unsigned(number)
    plain = rf"{_SIGN}?{unsigned}"
    return rf"(?:{plain}|\({unsigned}\))" if number.parentheses else plain


def _unsigned(number: Number) -> str:
    """The digits of a number, with no group that could be captured."""
    digits = "[0-9]+"
    if number.thousands is not None:
        digits = rf"(?:[0-9]{{1,3}}(?:{_thousands(number)}[0-9]{{3}})+|[0-9]+)"
    point = re.escape(number.decimal)
    # 1.234e5 with points between thousands may be meant in two ways.
    exponent = "" if number.thousands is not None and number.decimal == "," else _EXPONENT
    return rf"(?:{digits}(?:{point}[0-9]*)?|{point}[0-9]+){exponent}"


def _thousands(number: Number) -> str:
    return "[ \u00a0\u2009\u202f]" if number.thousands == " " else re.escape(number.thousands or "")


def _named(number: Number) -> str:
    """A pattern of the known units, the longest first; empty where none has a name."""
    named = sorted((unit for unit in number.units if unit), key=len, reverse=True)
    return "|".join(re.escape(unit) for unit in named)


def _forms(number: Number) -> list[_Form]:
    """How a number and a unit that has a name stand together: a sign, or brackets, before both."""
    named, value, unsigned = _named(number), _pattern(number), _unsigned(number)
    unit, text, digits = ("unit", named), ("text", value), ("text", unsigned)
    found = [(unit, text), (text, unit), (("text", _SIGN), unit, digits)]
    if number.parentheses:
        opened, closed = ("text", r"\("), ("text", r"\)")
        found += [(opened, unit, digits, closed), (opened, digits, unit, closed)]
    return found


def _alternatives(forms: Sequence[_Form]) -> str:
    """A pattern of any of the forms; each part is a group, in order."""
    return "|".join(r"\s*".join(f"({pattern})" for _, pattern in form) for form in forms)


def _marked(cell: Expression, number: Number) -> Expression:
    """`unit`, mark and `number` of a cell that holds both in any order; else the cell."""
    forms = _forms(number) if _named(number) else []
    if "" in number.units or not number.units:
        forms.append((("text", _pattern(number)),))
    roles = [role for form in forms for role, _ in form]
    groups = (
        "".join(f"${place}" for place, role in enumerate(roles, start=1) if role == wanted)
        for wanted in ("unit", "text")
    )
    pattern = rf"(?U)^\s*(?:{_alternatives(forms)})\s*$"
    written = F.regexp_replace(cell, pattern, _MARK.join(groups))
    return F.when(cell.contains(_MARK), F.lit("?")).otherwise(written)


def _plain_number(marked: Expression, column: Column, number: Number) -> Expression:
    is_read = marked.contains(_MARK)
    unit, text = (F.substring_index(marked, _MARK, place) for place in (1, -1))
    value = _unpunctuated(text, number)
    found = F.when(marked.isNull(), F.lit(None).cast("string"))
    if not number.units:
        found = found.when(is_read, value)
    for name, factor in number.units.items():
        found = found.when(is_read & (unit == F.lit(name)), _times(value, factor, column))
    return found.otherwise(_NO_VALUE)


def _unpunctuated(text: Expression, number: Number) -> Expression:
    """A number with a point and a leading minus only."""
    if number.parentheses:
        text = F.regexp_replace(text, r"^\((.*)\)$", "-$1")
    text = F.replace(text, F.lit(_MINUS), F.lit("-"))
    if number.thousands is not None:
        text = F.regexp_replace(text, _thousands(number), "")
    return F.replace(text, F.lit(number.decimal), F.lit("."))


def _times(text: Expression, factor: float, column: Column) -> Expression:
    if factor == 1:
        return text
    if column.kind == "number":
        return (text.try_cast("double") * F.lit(factor)).cast("string")
    exact = F.try_multiply(text.try_cast(_EXACT), F.lit(_decimal(factor)))
    return F.coalesce(exact.cast("string"), F.lit(_NO_VALUE))


def _decimal(factor: float) -> Decimal:
    """As it is written, without an exponent."""
    return Decimal(f"{Decimal(repr(factor)):f}")


def _iso_date(cell: Expression, formats: Sequence[str]) -> Expression:
    # A text of another shape is not tried: each failure costs the parser an exception.
    dates = [F.when(cell.rlike(_shape(each)), F.try_to_date(cell, each)) for each in formats]
    written = F.coalesce(*dates).cast("string")
    return F.when(cell.isNotNull(), F.coalesce(written, F.lit(_NO_VALUE)))


def _shape(pattern: str) -> str:
    """What every text looks like that a date pattern may read."""
    if "[" in pattern:  # a part may be left out
        return ".*"
    pieces = re.finditer(r"'[^']*'|([A-Za-z])\1*|[^A-Za-z']", pattern)
    shapes = (
        _DIGITS.get(each[0], re.escape(each[0]) if each[0] in _PLAIN else ".*") for each in pieces
    )
    return f"^{''.join(shapes)}$"
