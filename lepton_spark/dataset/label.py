"""What came of each row, as far as it was known at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.config import expression
from lepton_spark.config.column import readable_kinds
from lepton_spark.silver.knowledge import known_at, versions

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.case import Label

LABEL = "_label"
KNOWN_AT = "_known_at"
_LAST = "_last_day"


def label_rows(
    outcomes: DataFrame, label: Label, key: Sequence[str], *, moment: datetime
) -> DataFrame:
    """The label of each key that has one.

    Args:
        outcomes: Silver rows of the label's source. Costs one shuffle on the key.
        label: The condition, and the rows where it holds.
        key: Columns that identify a row, here and in the predicted source.
        moment: With a time zone; what was not known then does not exist.

    Returns:
        Key, `_label` and `_known_at`; rows whose label is null or excluded by `only_if` are left
        out. `_label` is a double: 1.0 where the condition is true, else 0.0; the place of a class
        in the list of classes, -1.0 where it is not in it; an amount, which may be NaN.

    Raises:
        ConfigError: An expression is not allowed.
    """
    arrived = outcomes.filter(F.col("_arrived_at") <= F.lit(moment))
    known = known_at(versions(arrived, key), moment)
    if label.only_if is not None:
        known = known.filter(_expression(label.only_if, outcomes, "only_if"))
    labelled = known.select(*key, _value(label, outcomes).alias(LABEL), KNOWN_AT)
    return labelled.filter(F.col(LABEL).isNotNull())


def _value(label: Label, outcomes: DataFrame) -> Column:
    key, text = label.expression
    value = _expression(text, outcomes, key)
    if label.kind == "binary":
        return value.cast("boolean").cast("double")
    if label.kind == "amount":
        return value.cast("double")
    names = F.array(*(F.lit(name) for name in label.classes))
    return (F.array_position(names, value.cast("string")) - F.lit(1)).cast("double")


def on_last_day(features: DataFrame, key: Sequence[str], day: str) -> DataFrame:
    """The features of each key on its last day; of a row that was put off there are several.

    Costs the shuffle on the key that a join with labels needs; none where the key holds the day.
    """
    if day in key:
        return features
    last = F.max(day).over(Window.partitionBy(*key))
    return features.withColumn(_LAST, last).filter(F.col(day) == F.col(_LAST)).drop(_LAST)


def _expression(text: str, rows: DataFrame, name: str) -> Column:
    kinds = readable_kinds(rows.dtypes)
    return F.expr(expression.parse(text, columns=kinds, where=f"predict.label.{name}").sql)
