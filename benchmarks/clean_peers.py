"""Peers of `clean`: a UDF a rule, a pass a rule, polars, and the limit, pyarrow's kernels."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import functions as F

from benchmarks.dirty_rows import CITIES, MOST, SENTINELS, SPELLING, UNITS, Dirty, kind_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

PROBLEMS = "problems"
_RIGHT = {variant: right for right, texts in SPELLING.items() for variant in texts}
_MASS = r"^([0-9]+(?:,[0-9]+)?) (kg|g)$"
_WHOLE = r"^-?[0-9]{1,9}$"
_TYPES = {"note": "string", "city": "string", "day": "date", "mass": "double", "count": "int"}
_DATES = ("%d.%m.%Y", "%Y-%m-%d")


def udf_a_rule(spark: SparkSession, dirty: Dirty, target: Path) -> None:
    """One Python function a column, which gives the value and whether the cell is wrong."""
    rows = spark.read.parquet(str(dirty.path))
    for name in dirty.names:
        kind = kind_of(name)
        # useArrow: over a vectorised Parquet scan Spark 4.2.0 hangs with it (SPARK-58241).
        rule = F.udf(_rule_of(kind), f"value {_TYPES[kind]}, problems int", useArrow=False)
        rows = rows.withColumn(f"both_{name}", rule(F.col(name)))
    values = {f"_{name}": F.col(f"both_{name}.value") for name in dirty.names}
    problems = [F.col(f"both_{name}.problems") for name in dirty.names]
    _write(rows.withColumns(values), dirty, reduce(add, problems), target)


def pass_a_rule(spark: SparkSession, dirty: Dirty, target: Path) -> None:
    """Native expressions; after each rule the cells that it found wrong are counted."""
    rows = spark.read.parquet(str(dirty.path))
    problems: list[Column] = []
    for name in dirty.names:
        rows = rows.withColumn(f"_{name}", _NATIVE[kind_of(name)](F.col(name)))
        problems.append(_native_wrong(name))
        rows.filter(problems[-1] > 0).count()
    _write(rows, dirty, reduce(add, problems), target)


def _write(rows: DataFrame, dirty: Dirty, problems: Column, target: Path) -> None:
    cleaned = [F.col(f"_{name}").alias(name) for name in dirty.names]
    rows.select("id", *cleaned, problems.alias(PROBLEMS)).write.parquet(str(target))


def _note(cell: str | None) -> str | None:
    return None if cell is None else " ".join(cell.split()).lower()


def _city(cell: str | None) -> str | None:
    return cell if cell is None else _RIGHT.get(cell, cell)


def _day(cell: str | None) -> date | None:
    for pattern in _DATES if cell is not None else ():
        try:
            return datetime.strptime(cell, pattern).date()  # noqa: DTZ007  # a date, no instant
        except ValueError:
            continue
    return None


def _mass(cell: str | None) -> float | None:
    found = re.match(_MASS, cell or "")
    return float(found[1].replace(",", ".")) * UNITS[found[2]] if found else None


def _count(cell: str | None) -> int | None:
    return int(cell) if cell and cell not in SENTINELS and re.match(_WHOLE, cell) else None


_RULES: dict[str, Callable[[Any], Any]] = {
    "note": _note, "city": _city, "day": _day, "mass": _mass, "count": _count
}  # fmt: skip


def _rule_of(kind: str) -> Callable[[str | None], tuple[Any, int]]:
    clean = _RULES[kind]

    def rule(raw: str | None) -> tuple[Any, int]:
        value = clean(raw)
        if raw is None or (kind == "count" and raw in SENTINELS):
            return value, 0
        if value is None:
            return value, 1
        is_out = kind == "count" and not 0 <= value <= MOST
        return value, int(is_out or (kind == "city" and value not in CITIES))

    return rule


def _native_city(cell: Column) -> Column:
    for right, texts in SPELLING.items():
        cell = F.when(cell.isin(*texts), F.lit(right)).otherwise(cell)
    return cell


def _native_mass(cell: Column) -> Column:
    number = F.replace(F.regexp_extract(cell, _MASS, 1), F.lit(","), F.lit("."))
    unit = F.regexp_extract(cell, _MASS, 2)
    value = number.try_cast("double")
    return F.when(unit == "kg", value).when(unit == "g", value * F.lit(UNITS["g"]))


_NATIVE: dict[str, Callable[[Column], Column]] = {
    "note": lambda cell: F.lower(F.trim(F.regexp_replace(cell, r"\s+", " "))),
    "city": _native_city,
    "day": lambda cell: F.coalesce(
        F.try_to_date(cell, "dd.MM.yyyy"), F.try_to_date(cell, "yyyy-MM-dd")
    ),
    "mass": _native_mass,
    "count": lambda cell: F.when(~cell.isin(*SENTINELS), cell.try_cast("int")),
}


def _native_wrong(name: str) -> Column:
    raw, value = F.col(name), F.col(f"_{name}")
    wrong = raw.isNotNull() & value.isNull()
    if kind_of(name) == "count":
        wrong = (wrong & ~raw.isin(*SENTINELS)) | ~value.between(0, MOST)
    if kind_of(name) == "city":
        wrong = ~value.isin(*CITIES)
    return F.coalesce(wrong, F.lit(col=False)).cast("int")


def polars(dirty: Dirty, target: Path) -> None:
    """All rules as expressions of one lazy query."""
    pairs = [_in_polars(name) for name in dirty.names]
    wrong = pl.sum_horizontal([pl.coalesce(bad, pl.lit(False)).cast(pl.Int32) for _, bad in pairs])  # noqa: FBT003  # a literal
    query = pl.scan_parquet(dirty.path).select(
        "id", *(value for value, _ in pairs), wrong.alias(PROBLEMS)
    )
    query.collect(engine="streaming").write_parquet(target)


def _in_polars(name: str) -> tuple[pl.Expr, pl.Expr]:
    raw = pl.col(name)
    kind = kind_of(name)
    if kind == "note":
        value = raw.str.replace_all(r"\s+", " ").str.strip_chars().str.to_lowercase()
        return value, pl.lit(False)  # noqa: FBT003  # a literal
    if kind == "city":
        value = raw.replace(_RIGHT)
        return value, ~value.is_in(CITIES)
    if kind == "day":
        dates = [raw.str.to_date(pattern, strict=False) for pattern in _DATES]
        value = pl.coalesce(dates)
        return value, raw.is_not_null() & value.is_null()
    if kind == "mass":
        number = raw.str.extract(_MASS, 1).str.replace(",", ".", literal=True).cast(pl.Float64)
        is_gram = raw.str.extract(_MASS, 2) == "g"
        value = pl.when(is_gram).then(number * UNITS["g"]).otherwise(number).alias(name)
        return value, raw.is_not_null() & value.is_null()
    given = pl.when(~raw.is_in(SENTINELS)).then(raw)
    value = given.cast(pl.Int32, strict=False).alias(name)
    return value, (given.is_not_null() & value.is_null()) | ~value.is_between(0, MOST)


def limit(dirty: Dirty, target: Path) -> None:
    """Kernels of pyarrow on one row group after another, two at a time, and no query engine."""
    target.mkdir()
    file = pq.ParquetFile(dirty.path)

    def clean(group: int) -> None:
        rows = pq.ParquetFile(dirty.path).read_row_group(group, use_threads=False)
        pairs = [_KERNELS[kind_of(name)](_whole(rows[name])) for name in dirty.names]
        wrong = reduce(pc.add, (pc.fill_null(bad.cast(pa.int32()), 0) for _, bad in pairs))
        columns = [rows["id"], *(value for value, _ in pairs), wrong]
        table = pa.table(columns, names=["id", *dirty.names, PROBLEMS])
        pq.write_table(table, target / f"{group}.parquet")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(clean, range(file.num_row_groups)))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _note_kernel(cells: pa.Array) -> tuple[pa.Array, pa.Array]:
    single = pc.replace_substring_regex(cells, r"\s+", " ")
    return pc.utf8_lower(pc.utf8_trim_whitespace(single)), pa.repeat(False, len(cells))  # noqa: FBT003  # a value


def _city_kernel(cells: pa.Array) -> tuple[pa.Array, pa.Array]:
    places = pc.index_in(cells, value_set=pa.array(_RIGHT))
    value = pc.coalesce(pa.array(_RIGHT.values()).take(places), cells)
    known = pc.is_in(value, value_set=pa.array(CITIES))
    return value, pc.and_(pc.invert(known), pc.is_valid(cells))


def _day_kernel(cells: pa.Array) -> tuple[pa.Array, pa.Array]:
    parsed = [pc.strptime(cells, pattern, "s", error_is_null=True) for pattern in _DATES]
    # Of 31 February strptime makes a day in March.
    same = [
        pc.if_else(pc.equal(pc.strftime(each, pattern), cells), each, None)
        for each, pattern in zip(parsed, _DATES, strict=True)
    ]
    value = pc.coalesce(*same).cast(pa.date32())
    return value, pc.and_(pc.is_valid(cells), pc.is_null(value))


def _mass_kernel(cells: pa.Array) -> tuple[pa.Array, pa.Array]:
    parts = pc.extract_regex(
        cells, _MASS.replace("(", "(?P<number>", 1).replace("(kg", "(?P<unit>kg")
    )
    number = pc.replace_substring(pc.struct_field(parts, "number"), ",", ".").cast(pa.float64())
    is_gram = pc.equal(pc.struct_field(parts, "unit"), "g")
    value = pc.if_else(is_gram, pc.multiply(number, UNITS["g"]), number)
    return value, pc.and_(pc.is_valid(cells), pc.is_null(value))


def _count_kernel(cells: pa.Array) -> tuple[pa.Array, pa.Array]:
    given = pc.if_else(pc.is_in(cells, value_set=pa.array(SENTINELS)), None, cells)
    value = pc.if_else(pc.match_substring_regex(given, _WHOLE), given, None).cast(pa.int32())
    is_out = pc.or_(pc.less(value, 0), pc.greater(value, MOST))
    wrong = pc.and_(pc.is_valid(given), pc.is_null(value))
    return value, pc.or_(wrong, pc.fill_null(is_out, False))  # noqa: FBT003  # a value


_KERNELS = {
    "note": _note_kernel,
    "city": _city_kernel,
    "day": _day_kernel,
    "mass": _mass_kernel,
    "count": _count_kernel,
}
