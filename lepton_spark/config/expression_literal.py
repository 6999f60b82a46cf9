"""Whether dates, patterns, zones, units and counts that an expression writes out can be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlglot import exp

from lepton_spark.config.expression_kind import KindError, kind_of
from lepton_spark.config.pattern import PatternError, read_pattern
from lepton_spark.config.sql_functions import FUNCTIONS, LONG_UNITS, UNITS
from lepton_spark.config.zone import read_zone

MAX_COUNT = 1000

# As Spark reads them; Python's own parser takes more forms, such as 20240101 and 2024-W01-1.
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9])"
_CLOCK = rf"[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?{_OFFSET}?)?"
_WRITTEN = {"date": re.compile(_DATE), "timestamp": re.compile(rf"{_DATE}([T ]{_CLOCK})?")}


def check_literals(tree: exp.Expr) -> None:
    """See that dates, patterns, zones, units and counts written out can be used.

    Raises:
        KindError: One cannot.
    """
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            function = FUNCTIONS[node.name.lower()]
            for index, argument in enumerate(node.expressions):
                wanted = function.kind_of(index)
                if wanted.startswith("<"):
                    _check_literal(wanted, argument, function.name)
            if function.name == "regexp_extract":
                _check_group(node)
            elif function.name == "regexp_replace":
                _check_replacement(node)
        elif isinstance(node, exp.RegexpLike):
            _check_literal("<regex>", node.expression, "rlike")
        elif isinstance(node, exp.Like | exp.ILike):
            _check_literal("<text>", node.expression, "like")
        elif isinstance(node, exp.Cast) and node.this.is_string:
            _check_time_literal(node)


def _check_literal(wanted: str, argument: exp.Expr, name: str) -> None:
    needs = f"{name} needs {wanted} as a literal that is valid"
    if not isinstance(argument, exp.Literal):
        raise KindError(needs)
    try:
        _LITERALS[wanted](argument.name)
    except PatternError as error:
        raise KindError(f"{needs}: {error.why}", error.fix) from None
    except (ValueError, KeyError, OSError):
        raise KindError(needs) from None


def _check_group(node: exp.Anonymous) -> None:
    pattern, *group = node.expressions[1:]
    wanted = int(group[0].name) if group else 1
    if read_pattern(pattern.name).num_groups < wanted:
        raise KindError(f"the pattern of regexp_extract has no group {wanted}")


def _check_replacement(node: exp.Anonymous) -> None:
    """Java reads $1 as what the first group matched, and refuses any other dollar."""
    pattern, replacement = (each.name for each in node.expressions[1:])
    num_groups = read_pattern(pattern).num_groups
    for found in re.finditer(r"\$([0-9]?)|\\", replacement):
        if not found[1] or int(found[1]) > num_groups:
            raise KindError(
                f"the replacement of regexp_replace has a {found[0]}, and its pattern has"
                f" {num_groups} groups",
                "write $1 for what the first group matched; other text has no $ and no backslash",
            )


def _read_unit(text: str) -> None:
    if text.lower() not in UNITS:
        raise ValueError


def _read_span(text: str) -> None:
    if text.lower() in LONG_UNITS:
        return
    if text.lower() in UNITS:
        raise KindError(
            f"trunc knows no unit {text.lower()}: it gives the first day of a week or longer span",
            f"write cast(x as date) for the day, or date_trunc('{text.upper()}', x)",
        )
    raise ValueError


def _read_count(text: str) -> None:
    if not 0 <= int(text) <= MAX_COUNT:
        raise ValueError


def _read_position(text: str) -> None:
    if not 1 <= int(text) <= MAX_COUNT:
        raise ValueError


def _read_regex(text: str) -> None:
    if read_pattern(text).loops:
        raise PatternError.of_loop()


_LITERALS: Mapping[str, Callable[[str], Any]] = {
    "<unit>": _read_unit,
    "<span>": _read_span,
    "<count>": _read_count,
    "<position>": _read_position,
    "<regex>": _read_regex,
    "<replacement>": str,
    "<text>": str,
    "<zone>": read_zone,
}


def _check_time_literal(node: exp.Cast) -> None:
    kind, text = kind_of(node, {}), node.this.name
    try:
        if kind in _WRITTEN and not _WRITTEN[kind].fullmatch(text):
            raise ValueError
        if kind == "date":
            date.fromisoformat(text)
        elif kind == "timestamp":
            datetime.fromisoformat(text)
    except ValueError:
        raise KindError(f"the {kind} written out is not valid") from None
