"""What kind of value an expression gives, and whether its parts fit together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from lepton_spark.config.column import NUMBERS
from lepton_spark.config.pattern import PatternError, read_pattern
from lepton_spark.config.sql_functions import (
    CAST_TYPES,
    FUNCTIONS,
    LONG_UNITS,
    UNITS,
    WHOLE_DAY_UNITS,
    Function,
)

Kinds = Mapping[str, str | None]

MAX_COUNT = 1000

_TIMES = frozenset({"date", "timestamp"})
_GROUPS: Mapping[str, frozenset[str]] = {
    "number": NUMBERS,
    "int": NUMBERS,
    "seconds": NUMBERS,
    "millis": NUMBERS,
    "micros": NUMBERS,
    "time": _TIMES,
}
_LOGIC = (exp.And, exp.Or, exp.Not)
_COMPARISONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip
_CAST = "cast it, such as cast(x as double); a value that does not fit becomes null"
_PATTERNS = (exp.Like, exp.ILike, exp.RegexpLike)
# As Spark reads them; Python's own parser takes more forms, such as 20240101 and 2024-W01-1.
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9])"
_CLOCK = rf"[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?{_OFFSET}?)?"
_WRITTEN = {"date": re.compile(_DATE), "timestamp": re.compile(rf"{_DATE}([T ]{_CLOCK})?")}


class KindError(Exception):
    """Parts that do not fit, and what to do; both texts are shown to the user."""

    def __init__(self, what: str, fix: str = _CAST) -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix


def kind_of(node: exp.Expr, kinds: Kinds) -> str | None:
    """Kind of a node's value; None where nothing is known.

    Raises:
        KindError: Its parts do not fit.
    """
    for types, rule in _RULES:
        if isinstance(node, types):
            return rule(node, kinds)
    raise KindError(f"{type(node).__name__} gives no value")


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
    "<zone>": ZoneInfo,
}


def _check_time_literal(node: exp.Cast) -> None:
    kind, text = _cast(node, {}), node.this.name
    try:
        if kind in _WRITTEN and not _WRITTEN[kind].fullmatch(text):
            raise ValueError
        if kind == "date":
            date.fromisoformat(text)
        elif kind == "timestamp":
            datetime.fromisoformat(text)
    except ValueError:
        raise KindError(f"the {kind} written out is not valid") from None


def _literal(node: exp.Expr, _: Kinds) -> str:
    if node.is_string:
        return "string"
    return "integer" if re.fullmatch(r"[0-9]+", node.name) else "number"


def _cast(node: exp.Expr, kinds: Kinds) -> str:
    if kinds:
        kind_of(node.this, kinds)
    target = node.args["to"].this
    return CAST_TYPES[str(getattr(target, "value", target))]


def _logic(node: exp.Expr, kinds: Kinds) -> str:
    for part in (node.this, node.args.get("expression")):
        if part is not None:
            _demand(kind_of(part, kinds), "boolean", "and, or, not")
    return "boolean"


def _compare(node: exp.Expr, kinds: Kinds) -> str:
    _same(kind_of(node.this, kinds), kind_of(node.expression, kinds), "a comparison")
    return "boolean"


def _like(node: exp.Expr, kinds: Kinds) -> str:
    _demand(kind_of(node.this, kinds), "string", "like")
    _demand(kind_of(node.expression, kinds), "string", "like")
    return "boolean"


def _between(node: exp.Expr, kinds: Kinds) -> str:
    kind = kind_of(node.this, kinds)
    for name in ("low", "high"):
        _same(kind, kind_of(node.args[name], kinds), "between")
    return "boolean"


def _is_in(node: exp.Expr, kinds: Kinds) -> str:
    kind = kind_of(node.this, kinds)
    for item in node.expressions:
        _same(kind, kind_of(item, kinds), "in")
    return "boolean"


def _is(node: exp.Expr, kinds: Kinds) -> str:
    kind = kind_of(node.this, kinds)
    if isinstance(node.expression, exp.Boolean):
        _demand(kind, "boolean", "is true")
    elif not isinstance(node.expression, exp.Null):
        raise KindError("after `is` comes null, true or false")
    return "boolean"


def _choice(node: exp.Expr, kinds: Kinds) -> str | None:
    """A case, or an if: one kind in all branches."""
    if isinstance(node, exp.If):
        _demand(kind_of(node.this, kinds), "boolean", "if")
        branches = [node.args["true"], node.args.get("false")]
    else:
        branches = [_when(node, item, kinds) for item in node.args["ifs"]]
        branches.append(node.args.get("default"))
    kind: str | None = None
    for branch in branches:
        if branch is not None:
            kind = _same(kind, kind_of(branch, kinds), "the branches of a choice")
    return kind


def _when(node: exp.Expr, item: exp.Expr, kinds: Kinds) -> Any:
    condition = kind_of(item.this, kinds)
    if node.this is None:
        _demand(condition, "boolean", "when")
    else:
        _same(kind_of(node.this, kinds), condition, "case")
    return item.args["true"]


def _arithmetic(node: exp.Expr, kinds: Kinds) -> str | None:
    left, right = kind_of(node.this, kinds), kind_of(node.expression, kinds)
    if left is None or right is None:
        return None
    if left in NUMBERS and right in NUMBERS:
        return "number" if isinstance(node, exp.Div) else _wider(left, right)
    if isinstance(node, exp.Add | exp.Sub):
        found = _time_arithmetic(node, left, right)
        if found is not None:
            return found
    raise KindError(f"no arithmetic between {left} and {right}")


def _time_arithmetic(node: exp.Expr, left: str, right: str) -> str | None:
    if right == "interval" and left in _TIMES:
        unit = node.expression.args.get("unit")
        is_whole_days = unit is not None and unit.name.lower() in WHOLE_DAY_UNITS
        return "date" if left == "date" and is_whole_days else "timestamp"
    if left == right == "timestamp" and isinstance(node, exp.Sub):
        return "interval"
    return "interval" if left == right == "interval" else None


def _negative(node: exp.Expr, kinds: Kinds) -> str | None:
    kind = kind_of(node.this, kinds)
    _demand(kind, "number", "a minus sign")
    return kind


def _join(node: exp.Expr, kinds: Kinds) -> str:
    for part in (node.this, node.expression):
        _demand(kind_of(part, kinds), "string", "||")
    return "string"


def _call(node: exp.Expr, kinds: Kinds) -> str | None:
    function: Function = FUNCTIONS[node.name.lower()]
    common: str | None = None
    for index, argument in enumerate(node.expressions):
        wanted = function.kind_of(index)
        if wanted.startswith("<"):
            continue
        kind = kind_of(argument, kinds)
        if wanted != "any":
            _demand(kind, wanted, function.name)
        if function.gives in ("same", "whole"):
            common = _same(common, kind, function.name)
    if function.gives == "whole":
        return "decimal" if common == "decimal" else "integer"
    return common if function.gives == "same" else function.gives


def _demand(kind: str | None, wanted: str, where: str) -> None:
    # Anything turns into text without fail; nothing else does.
    if kind is None or wanted == "string":
        return
    if kind not in _GROUPS.get(wanted, frozenset({wanted})):
        raise KindError(f"{where} needs a {wanted} and is given a {kind}")


def _same(left: str | None, right: str | None, where: str) -> str | None:
    if left is None or right is None or left == right:
        return left or right
    if left in NUMBERS and right in NUMBERS:
        return _wider(left, right)
    if {left, right} == _TIMES:
        return "timestamp"
    raise KindError(f"{where} puts a {left} beside a {right}")


def _wider(left: str, right: str) -> str:
    return left if left == right else "number" if "number" in (left, right) else "decimal"


_RULES: tuple[tuple[Any, Callable[[Any, Kinds], str | None]], ...] = (
    (exp.Column, lambda node, kinds: kinds.get(node.name)),
    (exp.Paren, lambda node, kinds: kind_of(node.this, kinds)),
    (exp.Literal, _literal),
    (exp.Boolean, lambda _node, _kinds: "boolean"),
    (exp.Null, lambda _node, _kinds: None),
    (exp.Interval, lambda _node, _kinds: "interval"),
    (exp.Cast, _cast),
    (_LOGIC, _logic),
    (_COMPARISONS, _compare),
    (_PATTERNS, _like),
    (exp.Between, _between),
    (exp.In, _is_in),
    (exp.Is, _is),
    ((exp.Case, exp.If), _choice),
    (exp.Anonymous, _call),
    (exp.Neg, _negative),
    (exp.DPipe, _join),
    ((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _arithmetic),
)
