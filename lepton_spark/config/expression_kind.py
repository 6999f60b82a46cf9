"""What kind of value an expression gives, and whether its parts fit together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from lepton_spark.config.column import NUMBERS
from lepton_spark.config.sql_functions import CAST_TYPES, FUNCTIONS, WHOLE_DAY_UNITS, Function

Kinds = Mapping[str, str | None]

_TIMES = frozenset({"date", "timestamp"})
_GROUPS: Mapping[str, frozenset[str]] = {
    "number": NUMBERS,
    "int": NUMBERS,
    "days": NUMBERS,
    "seconds": NUMBERS,
    "millis": NUMBERS,
    "micros": NUMBERS,
    "time": _TIMES,
}
_WHOLE = frozenset({"days", "millis", "micros"})
_LOGIC = (exp.And, exp.Or, exp.Not)
_COMPARISONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip
_CAST = "cast it, such as cast(x as double); a value that does not fit becomes null"
_PATTERNS = (exp.Like, exp.ILike, exp.RegexpLike)
# What Spark refuses to cast whatever the value, by kind and type, and what to write in its place.
_NUMERIC_TYPES = frozenset(name for name, kind in CAST_TYPES.items() if kind in NUMBERS)
_TIME_TYPES = frozenset({"DATE", "TIMESTAMPTZ"})
_TO_DATE = (
    "write date_from_unix_date(x) for days since 1970; for numbers such as 20240131 promise a date"
    " and give the source clean.formats"
)
_NO_CASTS: tuple[tuple[frozenset[str], frozenset[str], str], ...] = (
    (NUMBERS, frozenset({"DATE"}), _TO_DATE),
    (
        frozenset({"date"}),
        _NUMERIC_TYPES,
        "write unix_date(x) for days since 1970, or year(x), month(x) and the like",
    ),
    (frozenset({"boolean"}), _TIME_TYPES, "write case when x then ... end with a date or instant"),
    (_TIMES, frozenset({"BOOLEAN"}), "write x is not null, or compare it"),
    (
        frozenset({"interval"}),
        _TIME_TYPES | {"BOOLEAN", "FLOAT", "DOUBLE"},
        "write unix_seconds(x) - unix_seconds(y) for the seconds between two instants",
    ),
)


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


def _literal(node: exp.Expr, _: Kinds) -> str:
    if node.is_string:
        return "string"
    return "integer" if re.fullmatch(r"[0-9]+", node.name) else "number"


def _cast(node: exp.Expr, kinds: Kinds) -> str:
    kind, target = kind_of(node.this, kinds), node.args["to"].this
    name = str(getattr(target, "value", target))
    for given, wanted, instead in _NO_CASTS:
        if kind in given and name in wanted:
            raise KindError(f"no cast makes a {CAST_TYPES[name]} of a {kind}", instead)
    return CAST_TYPES[name]


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
    if not node.expressions:
        raise KindError(
            "after `in` comes a list in brackets, of one value at least",
            "write x in ('a', 'b'); for one value x = 'a'; for a part of a text contains(x, 'a')",
        )
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
        if wanted in _WHOLE and argument.is_number and kind != "integer":
            raise KindError(f"{function.name} needs a whole number", "write it without a fraction")
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
