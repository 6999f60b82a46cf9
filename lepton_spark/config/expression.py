"""SQL expressions over the columns of one row, safe to hand to Spark.

The text is parsed by sqlglot, every node of the tree is held against an allow-list, and Spark is
given the text generated from the checked tree, never the author's. In that text arithmetic and
casts are the `try_` kind: a row on which they fail gets null and does not end the job.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.parsers.spark import SparkParser

from lepton_spark.config.expression_kind import KindError, kind_of
from lepton_spark.config.expression_literal import check_literals
from lepton_spark.config.expression_text import regenerate
from lepton_spark.config.nearest import closest, nearest
from lepton_spark.config.sql_functions import (
    AGGREGATES,
    CAST_TYPES,
    CHANGING,
    COARSENING,
    FUNCTIONS,
    INSTEAD,
    INTERVAL_UNITS,
    MANY,
)
from lepton_spark.errors import ConfigError

MAX_NODES = 400
_MOST_DIGITS = 38

_PREDICATES = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is,
    exp.In, exp.Between, exp.Like, exp.ILike, exp.RegexpLike,
)  # fmt: skip
_ALLOWED = (
    *_PREDICATES, exp.Add, exp.And, exp.Anonymous, exp.Boolean, exp.Case, exp.Cast, exp.Column,
    exp.DPipe, exp.DataType, exp.DataTypeParam, exp.Div, exp.Identifier, exp.If, exp.Interval,
    exp.Literal, exp.Mod, exp.Mul, exp.Neg, exp.Not, exp.Null, exp.Or, exp.Paren, exp.Sub,
    exp.TryCast, exp.Var,
)  # fmt: skip
_NAMES: Mapping[type[exp.Expr], str] = {
    exp.Select: "a subquery",
    exp.Subquery: "a subquery",
    exp.Exists: "a subquery",
    exp.Lambda: "a lambda",
    exp.Window: "a window function",
    exp.WithinGroup: "an aggregate",
    exp.Filter: "an aggregate",
    exp.Star: "a star",
    exp.Distinct: "DISTINCT",
    exp.Alias: "a name after an expression",
    exp.Concat: "a quote inside quotes",
    exp.Placeholder: "a parameter",
    exp.Parameter: "a parameter",
    exp.Bracket: "access to an element",
    exp.Dot: "access to a field",
    exp.Tuple: "a list of expressions",
}
_UNSAFE_TEXT = re.compile(r"[\\\x00-\x1f\x7f]")


class _PlainParser(SparkParser):
    """Leaves every call as it was written: a name and its arguments, nothing rearranged."""

    FUNCTIONS = {}  # noqa: RUF012 - as declared by sqlglot
    FUNCTION_PARSERS = {  # noqa: RUF012  # sqlglot reads a plain class attribute
        key: SparkParser.FUNCTION_PARSERS[key] for key in ("CAST", "TRY_CAST")
    }
    NO_PAREN_FUNCTIONS = {}  # noqa: RUF012  # as above
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012  # sqlglot reads a plain class attribute
        key: SparkParser.NO_PAREN_FUNCTION_PARSERS[key] for key in ("CASE", "IF")
    }


_DIALECT = Spark()


@dataclass(frozen=True)
class Checked:
    """An expression that may be given to Spark.

    Args:
        sql: Text generated from the checked tree.
        columns: Every column that it reads.
        exposed: Those of them whose values can be read back from the result, more than a
            yes or no, a year or a length.
        kind: Kind of the result as in contracts, or `interval`, or None where unknown.
    """

    sql: str
    columns: frozenset[str]
    exposed: frozenset[str]
    kind: str | None


def parse(text: str, *, columns: Collection[str], where: str) -> Checked:
    """Check an expression over one row.

    Args:
        text: The author's SQL, Spark's dialect.
        columns: Columns that the row has; with a mapping to their kinds, types are checked too.
        where: Place in the configuration, for errors.

    Raises:
        ConfigError: A construct or function that is not on the list, an unknown column, or
            types that do not fit.
    """
    checker = _Checker(where, columns)
    tree = checker.tree(text)
    checker.check(tree)
    kind = checker.kind(tree)
    return Checked(
        sql=regenerate(tree, checker.kinds, _DIALECT),
        columns=frozenset(node.name for node in tree.find_all(exp.Column)),
        exposed=frozenset(node.name for node in tree.find_all(exp.Column) if _is_exposed(node)),
        kind=kind,
    )


class _Checker:
    """Holds one expression against the rules."""

    def __init__(self, where: str, columns: Collection[str]) -> None:
        self.where = where
        self.columns = columns
        self.kinds: Mapping[str, str | None] = (
            columns if isinstance(columns, Mapping) else dict.fromkeys(columns)
        )

    def tree(self, text: str) -> exp.Expr:
        """Parse the text into one expression."""
        try:
            # In brackets nothing is read as a command; the line end closes a comment.
            bracketed = f"({text}\n)"
            tokens = _DIALECT.tokenize(bracketed)
            if any(token.token_type.name == "SEMICOLON" for token in tokens):
                self._refuse("';' is not allowed", "an expression is one value, not statements")
            trees = _PlainParser(dialect=_DIALECT).parse(tokens, bracketed)
        except ParseError as error:
            place = error.errors[0].get("col", 0) if error.errors else 0
            self._cannot_parse(f" near character {max(int(place or 0) - 1, 1)}")
        except (TokenError, SqlglotError, RecursionError, ValueError):
            self._cannot_parse("")
        if len(trees) != 1 or trees[0] is None:
            self._cannot_parse("")
        return trees[0].unnest()

    def check(self, tree: exp.Expr) -> None:
        """Hold every node against the list."""
        for count, node in enumerate(tree.walk()):
            if count > MAX_NODES:
                self._refuse(f"it has more than {MAX_NODES} parts", "the size is limited")
            if type(node) not in _ALLOWED:
                name = _NAMES.get(type(node), f"{type(node).__name__.upper()}")
                self._refuse(f"{name} is not allowed", "an expression is computed from one row")
            self._check_node(node)

    def kind(self, tree: exp.Expr) -> str | None:
        """Kind of the result; also checks that arguments fit."""
        try:
            check_literals(tree)
            return kind_of(tree, self.kinds)
        except KindError as error:
            raise ConfigError(
                "LS-1033",
                f"{self.where}: {error.what}",
                "one bad value must not end a job, so types are checked before it starts",
                error.fix,
            ) from None

    def _check_node(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Anonymous):
            self._check_call(node)
        elif isinstance(node, exp.Column):
            self._check_column(node)
        elif isinstance(node, exp.Literal):
            if node.is_string and _UNSAFE_TEXT.search(node.name):
                self._refuse("a backslash or control character in text", "text is taken as it is")
        elif isinstance(node, exp.Interval):
            self._check_interval(node)
        elif isinstance(node, exp.Cast):
            self._check_cast(node)
        elif isinstance(node, exp.Var) and not isinstance(node.parent, exp.Interval):
            self._refuse(f"{node.name} is not allowed", "it is no column and no value")

    def _check_call(self, node: exp.Anonymous) -> None:
        name = node.name.lower()
        function = FUNCTIONS.get(name)
        if name in AGGREGATES:
            self._refuse(f"the aggregate {name} is not allowed", "only one row is there")
        if name in CHANGING and not (name in INSTEAD and node.expressions):
            self._refuse_changing(name)
        if function is None:
            self._refuse(
                f"the function {name} is not allowed",
                "only functions of the list run: nothing that runs code, reads files or changes",
                _function_for(name),
            )
        count = len(node.expressions)
        if not function.least <= count <= function.most:
            most = "more" if function.most == MANY else str(function.most)
            self._refuse(f"{name} has {count} arguments", f"it takes {function.least} to {most}")

    def _check_column(self, node: exp.Column) -> None:
        name = node.name
        if len(node.parts) != 1:
            self._refuse("a name with a dot is not allowed", "only columns of one row are there")
        if name in self.columns:
            return
        if name.lower() in CHANGING and not node.this.quoted:
            self._refuse_changing(name.lower())
        raise ConfigError(
            "LS-1032",
            f"{self.where}: there is no column {name[:80]}",
            "an expression reads columns that its row has",
            nearest(name, self.columns),
        )

    def _check_interval(self, node: exp.Interval) -> None:
        unit = node.args.get("unit")
        amount = node.this
        is_plain = isinstance(amount, exp.Literal) and re.fullmatch(r"-?\d{1,6}", amount.name)
        if not is_plain or not isinstance(unit, exp.Var) or unit.name.lower() not in INTERVAL_UNITS:
            self._refuse(
                "this interval is not allowed",
                "an interval is a whole number and one unit",
                "write interval 36 hours; for columns, make_dt_interval(days, hours, minutes)",
            )

    def _check_cast(self, node: exp.Cast) -> None:
        kind = str(getattr(node.to.this, "value", node.to.this))
        if kind not in CAST_TYPES or node.args.get("format") or not _is_size(kind, node.to):
            self._refuse(
                "a cast to this type is not allowed",
                "values are text, numbers, booleans, dates and timestamps",
                "cast to string, int, bigint, double, decimal(18,2), boolean, date or timestamp; a"
                f" decimal has {_MOST_DIGITS} digits at most, those after the point among them",
            )

    def _refuse_changing(self, name: str) -> NoReturn:
        self._refuse(
            f"{name} is not deterministic",
            "the same night must give the same rows",
            "use the day column of the case, or known_at; for a stable choice xxhash64(key)",
        )

    def _cannot_parse(self, place: str) -> NoReturn:
        raise ConfigError(
            "LS-1030",
            f"{self.where}: the expression cannot be read{place}",
            "it is no SQL expression",
            "close quotes and brackets; write text in single quotes",
        ) from None

    def _refuse(
        self, what: str, why: str, fix: str = "compute it upstream, or express it otherwise"
    ) -> NoReturn:
        raise ConfigError("LS-1031", f"{self.where}: {what}", why, fix) from None


def _function_for(name: str) -> str:
    """What to write in place of a function that is not on the list."""
    if name in INSTEAD:
        return f"write {INSTEAD[name]}"
    close = closest(name, FUNCTIONS)
    hint = "" if close is None else f"did you mean {close}? "
    return f"{hint}All of them: {', '.join(sorted(FUNCTIONS))}"


def _is_size(kind: str, written: exp.DataType) -> bool:
    """Whether Spark knows a type of this size: decimal(18, 2), and no other has one."""
    sizes = [each.name for each in written.expressions]
    if kind != "DECIMAL":
        return not sizes
    if not all(re.fullmatch("[0-9]{1,2}", size) for size in sizes):
        return False
    digits, after = [*map(int, sizes), 0, 0][:2]
    return not sizes or after <= digits <= _MOST_DIGITS


def _is_exposed(node: exp.Expr) -> bool:
    parent = node.parent
    while parent is not None:
        is_coarse = isinstance(parent, exp.Anonymous) and parent.name.lower() in COARSENING
        if is_coarse or isinstance(parent, _PREDICATES):
            return False
        parent = parent.parent
    return True
