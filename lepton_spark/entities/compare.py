"""What Splink is told about the columns that it compares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from lepton_spark.config.entity import compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

    from lepton_spark.config.entity import Comparison

_NO_WORD = r"[^\p{L}\p{N}]+"
_TEXTS = ("jaro_winkler", "jaccard", "levenshtein")
_SECONDS = 86_400
_WHOLE = 10_000


def with_compared(records: DataFrame, match: Mapping[str, Comparison]) -> DataFrame:
    """Add `c_<name>` for each comparison: its values as they are compared.

    That is plain text, a sorted set of words, seconds, or the value; null where it is empty.
    """
    added = {
        compared(name): _prepared(name, comparison, records.schema[name].dataType)
        for name, comparison in match.items()
    }
    return records.withColumns(added)


def _prepared(name: str, comparison: Comparison, kind: DataType) -> Column:
    value = F.col(name)
    if comparison.kind in _TEXTS or (comparison.kind == "exact" and isinstance(kind, StringType)):
        text = F.nullif(F.trim(F.regexp_replace(F.lower(value), _NO_WORD, " ")), F.lit(""))
        is_set = comparison.kind == "jaccard"
        return F.array_sort(F.array_distinct(F.split(text, " "))) if is_set else text
    if comparison.kind == "days":
        return F.unix_seconds(value.cast("timestamp"))
    return value.cast("double") if comparison.kind == "difference" else value


def comparison_of(name: str, comparison: Comparison) -> dict[str, Any]:
    """A comparison as Splink's settings have it: missing, equal, the levels, all else."""
    column = compared(name)
    left, right = f"{column}_l", f"{column}_r"
    equal: dict[str, Any] = {"sql_condition": f"{left} = {right}", "label_for_charts": "equal"}
    if comparison.term_frequencies:
        equal["tf_adjustment_column"] = column
    missing = {
        "sql_condition": f"{left} is null or {right} is null",
        "label_for_charts": "missing",
        "is_null_level": True,
    }
    between = [
        {"sql_condition": condition, "label_for_charts": f"{comparison.kind} {level}"}
        for level, condition in _conditions(comparison, left, right).items()
    ]
    otherwise = {"sql_condition": "ELSE", "label_for_charts": "else"}
    levels = [missing, equal, *between, otherwise]
    return {"output_column_name": column, "comparison_levels": levels}


def _conditions(comparison: Comparison, left: str, right: str) -> Mapping[float, str]:
    if comparison.kind == "jaccard":
        return {level: _shares_words(level, left, right) for level in comparison.levels}
    alike = {
        "exact": "",
        "jaro_winkler": f"jaro_winkler({left}, {right}) >= {{}}",
        "levenshtein": f"levenshtein({left}, {right}) <= {{}}",
        "difference": f"abs({left} - {right}) <= {{}}",
        "days": f"abs({left} - {right}) <= {{}} * {_SECONDS}",
    }[comparison.kind]
    return {level: alike.format(level) for level in comparison.levels}


def _shares_words(share: float, left: str, right: str) -> str:
    """That at least a share of all words of two sets is in both.

    Asked a million times, so in whole numbers, and of the sizes first: sets that differ too much in
    size need not be compared.
    """
    part = round(share * _WHOLE)
    sizes = f"cardinality({left}), cardinality({right})"
    both = f"cardinality(array_intersect({left}, {right}))"
    total = f"(cardinality({left}) + cardinality({right}))"
    return (
        f"least({sizes}) * {_WHOLE} >= greatest({sizes}) * {part}"
        f" and {both} * {_WHOLE + part} >= {total} * {part}"
    )
