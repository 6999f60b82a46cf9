"""The functions that an expression may call, and what they take and give.

A signature names kinds: `number` is an integer, number or decimal; `time` a date or timestamp;
`int` a number that Spark wants as a 32-bit integer, `days` one without a fraction where it is
written out; `seconds`, `millis` and `micros` a number of them, the last two as `days` are; `any` is
anything. `*` means none or more of it, `?` that it may be left out. Words in angle brackets are
literals: a unit of time, a `span` that is a unit longer than a day, a zone, a regular expression,
what replaces its matches, a small count. What comes out is a kind, `same`: the kind of the
arguments, or `whole`: an integer, of a decimal a decimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MANY = 100  # most arguments of a function that takes any number

_SIGNATURES: Mapping[str, str] = {
    # numbers
    "abs": "number -> same",
    "sign": "number -> number",
    "signum": "number -> number",
    "ceil": "number -> whole",
    "ceiling": "number -> whole",
    "floor": "number -> whole",
    "round": "number <count>? -> same",
    "bround": "number <count>? -> same",
    "sqrt": "number -> number",
    "exp": "number -> number",
    "ln": "number -> number",
    "log2": "number -> number",
    "log10": "number -> number",
    "log1p": "number -> number",
    "pow": "number number -> number",
    "power": "number number -> number",
    "sin": "number -> number",
    "cos": "number -> number",
    "tan": "number -> number",
    "asin": "number -> number",
    "acos": "number -> number",
    "atan": "number -> number",
    "atan2": "number number -> number",
    "radians": "number -> number",
    "degrees": "number -> number",
    "isnan": "number -> boolean",
    # choices
    "coalesce": "any any* -> same",
    "nvl": "any any -> same",
    "ifnull": "any any -> same",
    "nullif": "any any -> same",
    "greatest": "any any any* -> same",
    "least": "any any any* -> same",
    "isnull": "any -> boolean",
    "isnotnull": "any -> boolean",
    # text
    "upper": "string -> string",
    "lower": "string -> string",
    "initcap": "string -> string",
    "trim": "string -> string",
    "ltrim": "string -> string",
    "rtrim": "string -> string",
    "reverse": "string -> string",
    "length": "string -> integer",
    "char_length": "string -> integer",
    "substring": "string int int? -> string",
    "substr": "string int int? -> string",
    "left": "string int -> string",
    "right": "string int -> string",
    "lpad": "string <count> string? -> string",
    "rpad": "string <count> string? -> string",
    "concat": "string string* -> string",
    "concat_ws": "string string string* -> string",
    "replace": "string string string? -> string",
    "translate": "string string string -> string",
    "split_part": "string string <position> -> string",
    "instr": "string string -> integer",
    "contains": "string string -> boolean",
    "startswith": "string string -> boolean",
    "endswith": "string string -> boolean",
    "regexp_extract": "string <regex> <count>? -> string",
    "regexp_replace": "string <regex> <replacement> -> string",
    "xxhash64": "any any* -> integer",
    # time
    "year": "time -> integer",
    "quarter": "time -> integer",
    "month": "time -> integer",
    "weekofyear": "time -> integer",
    "day": "time -> integer",
    "dayofmonth": "time -> integer",
    "dayofweek": "time -> integer",
    "dayofyear": "time -> integer",
    "weekday": "time -> integer",
    "hour": "timestamp -> integer",
    "minute": "timestamp -> integer",
    "second": "timestamp -> integer",
    "unix_seconds": "timestamp -> integer",
    "unix_date": "date -> integer",
    "timestamp_seconds": "seconds -> timestamp",
    "timestamp_millis": "millis -> timestamp",
    "timestamp_micros": "micros -> timestamp",
    "date_from_unix_date": "int -> date",
    "datediff": "time time -> integer",
    "date_diff": "time time -> integer",
    "date_add": "time days -> date",
    "date_sub": "time days -> date",
    "add_months": "time int -> date",
    "months_between": "time time -> number",
    "last_day": "time -> date",
    "trunc": "time <span> -> date",
    "date_trunc": "<unit> time -> timestamp",
    "make_dt_interval": "int? int? int? seconds? -> interval",
    "from_utc_timestamp": "timestamp <zone> -> timestamp",
    "to_utc_timestamp": "timestamp <zone> -> timestamp",
}

AGGREGATES = frozenset(
    {
        "any", "any_value", "approx_count_distinct", "array_agg", "avg", "bool_and", "bool_or",
        "collect_list", "collect_set", "corr", "count", "count_if", "every", "first", "first_value",
        "kurtosis", "last", "last_value", "listagg", "max", "max_by", "mean", "median", "min",
        "min_by", "mode", "percentile", "percentile_approx", "skewness", "some", "std", "stddev",
        "stddev_pop", "stddev_samp", "string_agg", "sum", "try_avg", "try_sum", "var_pop",
        "var_samp", "variance",
    }
)  # fmt: skip
CHANGING = frozenset(
    {
        "curdate", "current_catalog", "current_database", "current_date", "current_schema",
        "current_time", "current_timestamp", "current_timezone", "current_user", "input_file_name",
        "localtimestamp", "monotonically_increasing_id", "now", "rand", "randn", "random",
        "randstr", "session_user", "shuffle", "spark_partition_id", "unix_timestamp", "user",
        "uuid", "version",
    }
)  # fmt: skip

# What to write for functions that people look for and that are not on the list.
_ISO = "for other forms give clean.formats, or `times` for an instant"
INSTEAD: Mapping[str, str] = {
    "to_date": f"cast(x as date); {_ISO}",
    "date": f"cast(x as date); {_ISO}",
    "to_timestamp": f"cast(x as timestamp) where the text has its offset; {_ISO}",
    "timestamp": f"cast(x as timestamp) where the text has its offset; {_ISO}",
    "unix_timestamp": "unix_seconds(x), where x is a timestamp",
    "to_unix_timestamp": "unix_seconds(x), where x is a timestamp",
    "from_unixtime": "timestamp_seconds(x)",
    "string": "cast(x as string)",
    "int": "cast(x as int)",
    "bigint": "cast(x as bigint)",
    "double": "cast(x as double)",
    "boolean": "cast(x as boolean)",
    "split": "split_part(x, ',', 1) for one item; for a row of each item csv.explode",
    "size": "length(x) - length(replace(x, ',', '')) + 1 to count the items of a text",
    "len": "length(x)",
    "log": "ln(x), log2(x) or log10(x)",
    "mod": "x % y",
    "pmod": "((x % y) + y) % y",
    "regexp_like": "x rlike 'pattern'",
    "regexp": "x rlike 'pattern'",
    "rlike": "x rlike 'pattern'",
    "nvl2": "case when x is not null then y else z end",
    "date_format": "year(x), month(x), dayofmonth(x), hour(x) and the like; date_trunc('MONTH', x)",
    "hash": "xxhash64(x)",
    "md5": "xxhash64(x)",
    "sha2": "xxhash64(x)",
    "array_contains": "contains(x, y), of a text",
}

LONG_UNITS = frozenset({"week", "month", "mon", "mm", "quarter", "year", "yyyy", "yy"})
UNITS = LONG_UNITS | {"second", "minute", "hour", "day"}
WHOLE_DAY_UNITS = frozenset(
    {
        "day", "week", "month", "year", "days", "weeks", "months", "years",
    }
)  # fmt: skip
INTERVAL_UNITS = WHOLE_DAY_UNITS | {"second", "minute", "hour", "seconds", "minutes", "hours"}
CAST_TYPES: Mapping[str, str] = {
    "BOOLEAN": "boolean",
    "TINYINT": "integer",
    "SMALLINT": "integer",
    "INT": "integer",
    "BIGINT": "integer",
    "FLOAT": "number",
    "DOUBLE": "number",
    "DECIMAL": "decimal",
    "TEXT": "string",
    "DATE": "date",
    "TIMESTAMPTZ": "timestamp",  # sqlglot's name for the type that Spark calls TIMESTAMP
}

# Their result does not give the argument away: a year, a length, whether there is a value.
COARSENING = frozenset(
    {
        "year", "quarter", "length", "char_length", "isnull", "isnotnull", "isnan", "contains",
        "startswith", "endswith",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Function:
    """What one function takes and gives."""

    name: str
    takes: tuple[str, ...]
    gives: str

    @property
    def least(self) -> int:
        """Fewest arguments."""
        return sum(not kind.endswith(("?", "*")) for kind in self.takes)

    @property
    def most(self) -> int:
        """Most arguments."""
        return MANY if self.takes and self.takes[-1].endswith("*") else len(self.takes)

    def kind_of(self, index: int) -> str:
        """The kind of an argument, without its mark."""
        return self.takes[min(index, len(self.takes) - 1)].rstrip("?*")


def _read(name: str, signature: str) -> Function:
    takes, gives = signature.split("->")
    return Function(name, tuple(takes.split()), gives.strip())


FUNCTIONS: Mapping[str, Function] = {
    name: _read(name, signature) for name, signature in _SIGNATURES.items()
}
