"""The peers of `statistics`: the same facts of the same columns by the usual means.

Each takes the table's folder, or a DataFrame of it, and gives what it found where it is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from pyspark.ml.feature import Imputer, StandardScaler, StringIndexer, VectorAssembler
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

SHARES = [0.01, 0.5, 0.99]
RANK_ERROR = 0.001
MOST = 10
COLUMNS_AT_ONCE = 8


def _facts(name: str) -> list[Column]:
    """Nulls and distinct values of any column, as ours has them."""
    return [
        F.count_if(F.col(name).isNull()).alias(f"{name}_nulls"),
        F.approx_count_distinct(name, 0.022).alias(f"{name}_distinct"),
    ]


def _moments(name: str) -> list[Column]:
    return [F.mean(name), F.stddev(name), F.min(name), F.max(name)]


def _quantiles(name: str) -> Column:
    return F.percentile_approx(name, SHARES, round(1 / RANK_ERROR)).alias(f"{name}_quantiles")


def _number(name: str) -> list[Column]:
    return [*_facts(name), *_moments(name), _quantiles(name)]


def _most(rows: DataFrame, name: str) -> list[Any]:
    counted = rows.groupBy(name).count().orderBy(F.desc("count"), name)
    return counted.limit(MOST).collect()


def loop(rows: DataFrame, numbers: Sequence[str], texts: Sequence[str]) -> None:
    """What is typed first: column by column, a query for each kind of question."""
    for name in numbers:
        rows.agg(*_facts(name), *_moments(name)).collect()
        rows.approxQuantile(name, SHARES, RANK_ERROR)
    for name in texts:
        rows.agg(*_facts(name)).collect()
        _most(rows, name)


def wide(rows: DataFrame, numbers: Sequence[str], texts: Sequence[str]) -> None:
    """Everything in one aggregation; the most frequent values cannot be in it."""
    of_numbers = [each for name in numbers for each in _number(name)]
    rows.agg(*of_numbers, *(each for name in texts for each in _facts(name))).collect()
    for name in texts:
        _most(rows, name)


def chunks(rows: DataFrame, numbers: Sequence[str], texts: Sequence[str]) -> Mapping[str, Any]:
    """The same, some columns at a time, which spares Spark its widest plans."""
    found: dict[str, Any] = {}
    for first in range(0, len(numbers), COLUMNS_AT_ONCE):
        names = numbers[first : first + COLUMNS_AT_ONCE]
        (row,) = rows.agg(*(each for name in names for each in _number(name))).collect()
        found |= row.asDict()
    (row,) = rows.agg(*(each for name in texts for each in _facts(name))).collect()
    for name in texts:
        found[f"{name}_most"] = _most(rows, name)
    return found | row.asDict()


def approx_quantile(rows: DataFrame, numbers: Sequence[str], texts: Sequence[str]) -> None:
    """Quantiles by `approxQuantile` of all columns at once, the rest some columns at a time."""
    rows.approxQuantile(list(numbers), SHARES, RANK_ERROR)
    names = [*numbers, *texts]
    for first in range(0, len(names), COLUMNS_AT_ONCE):
        chunk = names[first : first + COLUMNS_AT_ONCE]
        moments = [each for name in chunk if name in numbers for each in _moments(name)]
        rows.agg(*moments, *(each for name in chunk for each in _facts(name))).collect()
    for name in texts:
        _most(rows, name)


def summary(rows: DataFrame, numbers: Sequence[str], _: Sequence[str]) -> None:
    """`summary()` of the numbers; it knows neither distinct nor frequent values."""
    wanted = ("count", "mean", "stddev", "min", "1%", "50%", "99%", "max")
    rows.select(*numbers).summary(*wanted).collect()


def spark_ml(rows: DataFrame, numbers: Sequence[str], texts: Sequence[str]) -> None:
    """What a spark.ml pipeline fits: medians, means and deviations, and words by their rows."""
    filled = [f"{name}_filled" for name in numbers]
    imputer = Imputer(
        strategy="median", inputCols=list(numbers), outputCols=filled, relativeError=RANK_ERROR
    )
    whole = imputer.fit(rows).transform(rows)
    vectors = VectorAssembler(inputCols=filled, outputCol="vector").transform(whole)
    StandardScaler(inputCol="vector", outputCol="scaled").fit(vectors)
    StringIndexer(
        inputCols=list(texts), outputCols=[f"{name}_index" for name in texts], handleInvalid="keep"
    ).fit(rows)


def in_duckdb(folder: Path, numbers: Sequence[str], texts: Sequence[str]) -> None:
    """One query, and one a text column for its frequent values; t-digest, without a bound."""
    source = f"read_parquet('{folder}/*.parquet')"
    facts = [f"count(*) - count({n}), approx_count_distinct({n})" for n in (*numbers, *texts)]
    facts += [
        f"avg({n}), stddev_samp({n}), min({n}), max({n}), approx_quantile({n}, {SHARES})"
        for n in numbers
    ]
    with duckdb.connect(config={"threads": 2}) as database:
        database.sql(f"select {', '.join(facts)} from {source}").fetchall()
        for name in texts:
            query = f"select {name}, count(*) from {source} group by 1 order by 2 desc limit {MOST}"
            database.sql(query).fetchall()


def in_polars(folder: Path, numbers: Sequence[str], texts: Sequence[str]) -> None:
    """One lazy query with exact quantiles, and one for each text column's frequent values."""
    rows = pl.scan_parquet(f"{folder}/*.parquet")
    facts = [pl.col(numbers).quantile(share).name.suffix(f"_{share}") for share in SHARES]
    moments = ("mean", "std", "min", "max", "null_count", "approx_n_unique")
    facts += [getattr(pl.col(numbers), each)().name.suffix(f"_{each}") for each in moments]
    facts += [getattr(pl.col(texts), each)().name.suffix(f"_{each}") for each in moments[-2:]]
    rows.select(facts).collect()
    for name in texts:
        counted = rows.group_by(name).len().sort("len", descending=True)
        counted.limit(MOST).collect()
