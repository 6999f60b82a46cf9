"""Generate SQL from a checked tree so that no value of a row can end a job.

Arithmetic and casts become the `try_` kind, which give null where they fail, and the few
functions that fail on huge numbers are given small ones or null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from lepton_spark.config.expression_kind import kind_of
from lepton_spark.config.sql_functions import FUNCTIONS

if TYPE_CHECKING:
    from sqlglot.dialects.dialect import Dialect

_TRY: Mapping[type[exp.Expr], str] = {
    exp.Add: "try_add",
    exp.Sub: "try_subtract",
    exp.Mul: "try_multiply",
    exp.Div: "try_divide",
    exp.Mod: "try_mod",
}
_GROWING = (exp.Add, exp.Sub, exp.Mul, exp.Neg)
# By kind of argument, the casts that make a number small: ten million days, months or minutes stay
# inside every type of Spark, more are null. First to an integer, which cuts the fraction off; a
# decimal would round it.
_SMALL: Mapping[str, tuple[str, ...]] = {
    "int": ("int", "decimal(7, 0)", "int"),
    "days": ("int", "decimal(7, 0)", "int"),
    "seconds": ("decimal(38, 6)",),
    "millis": ("bigint",),
    "micros": ("bigint",),
}
_FEW_DIGITS = 7
# Instants that are further from 1970 become the furthest that Spark holds: whoever looks at them
# sees that they are far out, and not that they are missing.
_FURTHEST: Mapping[str, int] = {"seconds": 9 * 10**12, "millis": 9 * 10**15, "micros": 9 * 10**18}


def regenerate(tree: exp.Expr, kinds: Mapping[str, str | None], dialect: Dialect) -> str:
    """Generate the text for Spark: all names quoted, nothing that can fail, no comments.

    Args:
        tree: Checked; stays as it is.
        kinds: Column name to kind, None where unknown.
        dialect: Spark's, as used for parsing.
    """
    root = exp.Paren(this=tree.copy())
    nodes = list(root.this.walk())
    whole = {id(node) for node in nodes if _is_whole(node, kinds)}
    for node in reversed(nodes):
        replacement = _made_wide(node) if id(node) in whole else _made_safe(node)
        if replacement is not node:
            node.replace(replacement)
    return str(root.this.sql(dialect=dialect, identify=True, comments=False))


def _made_safe(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Cast):
        return exp.TryCast(this=node.this, to=node.to, safe=True)
    if isinstance(node, exp.Neg) and not isinstance(node.this, exp.Literal):
        return _call("try_subtract", exp.Literal.number(0), node.this)
    if type(node) in _TRY:
        return _call(_TRY[type(node)], node.this, node.expression)
    if isinstance(node, exp.Anonymous):
        return _with_small_arguments(node)
    return node


def _is_whole(node: exp.Expr, kinds: Mapping[str, str | None]) -> bool:
    """Whether whole numbers become one that may need more digits than they have."""
    is_abs = isinstance(node, exp.Anonymous) and node.name.lower() == "abs"
    return (is_abs or isinstance(node, _GROWING)) and kind_of(node, kinds) == "integer"


def _made_wide(node: exp.Expr) -> exp.Expr:
    """In 64 bits: those of a column may be 32, and what does not fit them would be null."""
    if isinstance(node, exp.Anonymous):
        # The smallest integer has no positive counterpart: go through a wider type.
        wide = _cast(node.expressions[0], "decimal(20, 0)")
        return _cast(_call("abs", wide), "bigint")
    if isinstance(node, exp.Neg):
        if isinstance(node.this, exp.Literal):
            return node
        return _call("try_subtract", exp.Literal.number(0), _widened(node.this))
    return _call(_TRY[type(node)], _widened(node.this), node.expression)


def _widened(value: exp.Expr) -> exp.Expr:
    # A literal beyond 64 bits is a decimal of its own.
    is_wider = isinstance(value, exp.Literal) and int(value.name) >= 2**63
    return value if is_wider else _cast(value, "bigint")


def _with_small_arguments(node: exp.Anonymous) -> exp.Expr:
    function = FUNCTIONS.get(node.name.lower())
    if function is None or not _SMALL.keys() & {kind.rstrip("?*") for kind in function.takes}:
        return node
    arguments = [
        _small(argument, function.kind_of(index)) for index, argument in enumerate(node.expressions)
    ]
    return _call(node.this, *arguments)


def _small(argument: exp.Expr, kind: str) -> exp.Expr:
    if isinstance(argument, exp.Literal) and len(argument.name) <= _FEW_DIGITS:
        return argument
    for step in _SMALL.get(kind, ()):
        argument = _cast(argument, step)
    if kind in _FURTHEST:
        far = exp.Literal.number(_FURTHEST[kind])
        near = exp.Neg(this=far.copy())
        return (
            exp.Case()
            .when(exp.LT(this=argument.copy(), expression=near.copy()), near)
            .when(exp.GT(this=argument.copy(), expression=far.copy()), far)
            .else_(argument)
        )
    return argument


def _cast(value: exp.Expr, kind: str) -> exp.Expr:
    return exp.TryCast(this=value, to=exp.DataType.build(kind, dialect="spark"), safe=True)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))
