"""What is measured of the rows of each day of arrival: one aggregation for all rules of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.quality.metrics import MOST_PARTS, Metric
from lepton_spark.quality.reasons import MARKS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row

    from lepton_spark.config.contract import Contract

ROWS, NULL_RATE, MEDIAN, SHARE = "rows", "null_rate", "quantile_0.5", "share"
VARIES, NEWEST, LAST = "varies", "newest", "last"
DAY = "_day"
_LONGEST_PART = 100
_WHOLE = ""
_DIGITS = 4


@dataclass(frozen=True)
class Plan:
    """What the rules of a table need to know of each day.

    Args:
        moment: Of the run; later values are not the newest.
        marks: Reason codes to count in `_marks`.
        nulls: Columns of which the null rate is wanted, and the columns by whose values too.
        medians: Likewise for the median.
        varying: Columns that may be constant.
        newest: Columns of dates or timestamps.
        shares: Columns whose categories are counted.
    """

    moment: datetime
    marks: tuple[str, ...] = ()
    nulls: Mapping[str, frozenset[str]] = field(default_factory=dict)
    medians: Mapping[str, frozenset[str]] = field(default_factory=dict)
    varying: tuple[str, ...] = ()
    newest: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The columns of a table that are read, each once."""
        marks = [MARKS] if self.marks else []
        named = (*self.nulls, *self.medians, *self.varying, *self.newest, *self.parts)
        return [*dict.fromkeys(named), *marks]


def plan_of(contract: Contract, moment: datetime) -> Plan | None:
    """What to measure for a contract; None where none of its rules needs a measure."""
    rules = contract.rules
    told = [code for code, severity in contract.row_severities.items() if severity == "warning"]
    if not rules.are_measured and not told:
        return None
    counted = [rule.counts for rule in rules.counted if rule.counts != ROWS]
    by = {name for rule in rules.compared for name in rule.by}
    shares = {rule.column for rule in rules.compared if rule.measure == SHARE and rule.column}
    filled = [(rule.column, ()) for rule in rules.filled]
    return Plan(
        moment,
        marks=tuple(dict.fromkeys([*told, *counted])),
        nulls=_wanted([*_compared(contract, "null_rate"), *filled]),
        medians=_wanted(_compared(contract, "median")),
        varying=tuple(sorted({rule.column for rule in rules.filled if rule.varies})),
        newest=tuple(sorted({rule.column for rule in rules.fresh})),
        shares=tuple(sorted(shares)),
        parts=tuple(sorted(by | shares)),
    )


def _compared(contract: Contract, measure: str) -> list[tuple[str, tuple[str, ...]]]:
    rules = contract.rules.compared
    return [(rule.column, rule.by) for rule in rules if rule.measure == measure and rule.column]


def _wanted(pairs: Iterable[tuple[str, Iterable[str]]]) -> dict[str, frozenset[str]]:
    wanted: dict[str, frozenset[str]] = {}
    for column, by in pairs:
        wanted[column] = wanted.get(column, frozenset()) | {_WHOLE, *by}
    return wanted


def measure(rows: DataFrame, plan: Plan) -> DataFrame:
    """One row for each day of arrival, UTC, and for each part of it, with all that is measured.

    Args:
        rows: Good rows, with `_arrived_at` and, where marks are counted, `_marks`.
        plan: What is wanted. Each column by whose values a day is divided makes the rows of the
            aggregation once more; the rows themselves are read once.

    Returns:
        `_day`, `_by` (the column, empty for the whole day), `_part` (its value), `_rows` and a
        column for each measure. At most a hundred parts a day and column: the largest.
    """
    parts = [F.struct(F.lit(_WHOLE).alias("by"), F.lit(None).cast("string").alias("part"))]
    for name in plan.parts:
        part = F.substring(F.col(name).cast("string"), 1, _LONGEST_PART)
        parts.append(F.struct(F.lit(name).alias("by"), part.alias("part")))
    day = F.col("_arrived_at").cast("date").alias(DAY)
    divided = rows.select(day, *plan.columns, F.explode(F.array(*parts)).alias("_divided"))
    divided = divided.withColumns({"_by": F.col("_divided.by"), "_part": F.col("_divided.part")})
    divided = divided.filter((F.col("_by") == _WHOLE) | F.col("_part").isNotNull())
    measures = [each.alias(f"_measure_{index}") for index, (_, each) in enumerate(_items(plan))]
    found = divided.groupBy(DAY, "_by", "_part").agg(F.count("*").alias("_rows"), *measures)
    return _largest(found) if plan.parts else found


def _largest(found: DataFrame) -> DataFrame:
    largest_first = Window.partitionBy(DAY, "_by").orderBy(F.col("_rows").desc(), "_part")
    ranked = found.withColumn("_rank", F.row_number().over(largest_first))
    return ranked.filter(F.col("_rank") <= MOST_PARTS).drop("_rank")


def metrics_of(found: Iterable[Row], plan: Plan) -> tuple[Metric, ...]:
    """The collected rows of `measure` as metrics, a day after the other."""
    listed = sorted(found, key=lambda row: (row[DAY], row["_by"], row["_part"] or ""))
    whole = {row[DAY]: row["_rows"] for row in listed if row["_by"] == _WHOLE}
    metrics: list[Metric] = []
    for row in listed:
        metrics += _of_row(row, plan, whole[row[DAY]])
    return tuple(metrics)


def _of_row(row: Row, plan: Plan, whole: int) -> list[Metric]:
    by, day, rows = row["_by"], row[DAY], row["_rows"]
    part = None if by == _WHOLE else f"{by}={row['_part']}"
    found = [Metric(ROWS, float(rows), part=part, day=day)]
    if by in plan.shares:
        found.append(Metric(SHARE, rows / whole, column=by, day=day, text=row["_part"]))
    for index, (named, _) in enumerate(_items(plan)):
        value = row[f"_measure_{index}"]
        if value is not None:
            name, _, column = named.partition(":")
            found.append(Metric(name, float(value), column=column, part=part, day=day))
    return found


def _items(plan: Plan) -> list[tuple[str, Column]]:
    """Each measure as `name:column`, and how it is aggregated."""
    items = [(code, F.count_if(F.array_contains(MARKS, code))) for code in plan.marks]
    for name, by in sorted(plan.nulls.items()):
        items.append((f"{NULL_RATE}:{name}", F.avg(_only(by, F.col(name).isNull().cast("double")))))
    for name, by in sorted(plan.medians.items()):
        value = _only(by, _rounded(F.col(name).cast("double")))
        items.append((f"{MEDIAN}:{name}", F.percentile(value, F.lit(0.5))))
    # Compared where the rows are: no value of a row reaches the driver.
    items += [
        (f"{VARIES}:{name}", (F.min(name) < F.max(name)).cast("double")) for name in plan.varying
    ]
    items += [(f"{NEWEST}:{name}", newest(name, plan.moment)) for name in plan.newest]
    items += [(f"{LAST}:{name}", newest(name)) for name in plan.newest]
    return items


def _only(by: frozenset[str], value: Column) -> Column:
    return F.when(F.col("_by").isin(*sorted(by)), value)


def _rounded(value: Column) -> Column:
    """To four digits: enough for a median, and a day then has few values to be counted by."""
    exponent = F.floor(F.log10(F.abs(value))) - F.lit(_DIGITS - 1)
    unit = F.pow(F.lit(10.0), exponent)
    rounded = F.round(F.try_divide(value, unit)) * unit
    # The smallest numbers have no such unit, and the largest none to be rounded up to.
    return F.when(F.abs(rounded) < F.lit(float("inf")), rounded).otherwise(value)


def newest(name: str, moment: datetime | None = None) -> Column:
    """The newest date or timestamp in seconds since 1970, UTC; none after a moment, if given."""
    instant = F.col(name).cast("timestamp")
    seconds = F.unix_micros(instant) / F.lit(1e6)
    return F.max(seconds if moment is None else F.when(instant <= F.lit(moment), seconds))


def newest_of(metrics: Iterable[Metric], measure: str = NEWEST) -> dict[str, float]:
    """Column to the newest value of all days, in seconds since 1970, UTC.

    Args:
        metrics: As `metrics_of` gives them.
        measure: `newest` up to the moment of the run, or `last`, which may be after it.
    """
    found: dict[str, Any] = {}
    for metric in metrics:
        if metric.name == measure and metric.value is not None and metric.column is not None:
            found[metric.column] = max(metric.value, found.get(metric.column, metric.value))
    return found
