"""Several columns of a row as one: products, ratios, crosses, and buckets of categories."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.features.text_measure import bucket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column

    from lepton_spark.config.own_features import Cross


def product(columns: Sequence[str]) -> Column:
    """Product of numbers, as double; null where one is null or the product is not finite."""
    factors = [F.col(name).cast("double") for name in columns]
    return _finite(reduce(lambda left, right: left * right, factors))


def ratio(dividend: str, divisor: str) -> Column:
    """Quotient of two numbers, as double; null where one is null or the divisor is 0."""
    return _finite(F.try_divide(F.col(dividend).cast("double"), F.col(divisor).cast("double")))


def cross(settings: Cross) -> Column:
    r"""Categories as one text with `|` between, or the bucket of it; null where one is null.

    A `|` or `\` in a value has a `\` before it, so that no two combinations have one text.
    """
    # Of a null, concat makes a null.
    texts = [_escaped(F.col(name).cast("string")) for name in settings.of]
    parts = [part for text in texts for part in (F.lit("|"), text)][1:]
    together = F.concat(*parts)
    return together if settings.buckets is None else bucket(together, settings.buckets)


def hashed(column: str, buckets: int) -> Column:
    """The bucket of a category by its text: 5 and '5' share one; null for null."""
    return bucket(F.col(column).cast("string"), buckets)


def _escaped(text: Column) -> Column:
    marked = F.replace(text, F.lit("\\"), F.lit("\\\\"))
    return F.replace(marked, F.lit("|"), F.lit("\\|"))


def _finite(number: Column) -> Column:
    return F.when(F.abs(number) < F.lit(float("inf")), number)
