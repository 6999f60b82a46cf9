"""From raw rows to judged ones: typed, completed, and each good, refused or a duplicate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.quality.rules import PROBLEM, check_contract, check_key
from lepton_spark.silver.clock import add_instant
from lepton_spark.silver.conform import cell_type, conform, with_lacking
from lepton_spark.silver.deduplicate import SEVERITY, mark_duplicates, yield_to_silver
from lepton_spark.silver.derive import add_known_at, derive
from lepton_spark.silver.lookup import UNMATCHED, Reference, look_up
from lepton_spark.silver.moment import ASKED_AT, add_asked_at
from lepton_spark.silver.near_duplicates import mark_near_duplicates
from lepton_spark.silver.relationship import check_reference
from lepton_spark.silver.uniqueness import mark_repeated

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.contract import Contract
    from lepton_spark.config.source import Origin, Source
    from lepton_spark.config.table_rules import Relationship

_ORIGIN = ("_file", "_row", "_arrived_at")


@dataclass(frozen=True)
class Surroundings:
    """What is there besides the rows, as far as the contract promises something of it.

    Args:
        known: What each relationship of the contract looks in, as `known_values` gives it.
        present: Rows of silver from other files, where a column is unique; None: there are none.
        alongside: Rows of silver that arrived with those that are judged, where texts may be near
            duplicates; None: there are none.
    """

    known: Mapping[Relationship, DataFrame] = field(default_factory=dict)
    present: DataFrame | None = None
    alongside: DataFrame | None = None


ALONE = Surroundings()


def judge(
    landed: DataFrame,
    source: Source,
    contract: Contract,
    references: Mapping[str, Reference],
    around: Surroundings = ALONE,
) -> DataFrame:
    """Everything that becomes of raw rows on the way to silver.

    Args:
        landed: Rows of bronze.
        source: Its lookups, times, derived columns and key.
        contract: What its columns promise.
        references: By name, those that the lookups of the source name.
        around: What relationships, unique columns and near duplicates are held against.

    Returns:
        As many rows: the columns of silver, and `_reasons`, `_severity` (null where good),
        `_unmatched` and, where rules refuse no row, `_marks`. Costs one shuffle, besides joins to
        references that are not small and what near duplicates and unique columns need.

    Raises:
        ConfigError: An expression that is not allowed.
        DataError: A lookup that does not join on the key of its reference.
    """
    names = [column.name for column in contract.columns]
    rows = with_lacking(landed, {column.name: cell_type(column) for column in contract.columns})
    rows = rows.select(*_ORIGIN, PROBLEM, *names)
    rows = conform(rows, contract.columns, source.format.nulls, source.clean)
    rows = check_contract(rows, contract.columns, source.key)
    rows = _with_origin(rows, source.origin)
    rows = rows.withColumn(UNMATCHED, F.array().cast("array<string>"))
    rows = add_asked_at(rows, source)
    for lookup in source.lookup:
        rows = look_up(rows, references[lookup.source], lookup, asked_at=ASKED_AT)
    rows = rows.drop(ASKED_AT)
    for name, time in source.times.items():
        rows = add_instant(rows, name, time)
    rows = derive(rows, source.derive)
    rows = check_key(rows, source.key)
    rows = add_known_at(rows, source.known_at)
    for promise, known in around.known.items():
        rows = check_reference(rows, known, promise)
    rows = mark_duplicates(rows, source.key, names)
    if source.near_duplicates is not None:
        rows = mark_near_duplicates(rows, source.near_duplicates, source.key, around.alongside)
    unique = contract.rules.unique
    return mark_repeated(rows, around.present, source.key, unique) if unique else rows


def judge_rest(
    landed: DataFrame,
    silver: DataFrame,
    source: Source,
    contract: Contract,
    judged_by: Callable[[DataFrame], DataFrame],
) -> DataFrame:
    """What becomes of those raw rows that are not in silver; what is there is not touched.

    Args:
        landed: Rows of bronze.
        silver: All rows of the clean table. A row whose key it holds, come at the same time, is a
            duplicate.
        source: As in `judge`.
        contract: As in `judge`.
        judged_by: Judges rows of bronze, as `judge` does.
    """
    rest = landed.join(silver.select("_file", "_row"), ["_file", "_row"], how="left_anti")
    content = [column.name for column in contract.columns]
    return yield_to_silver(judged_by(rest), silver, source.key, content)


def _with_origin(rows: DataFrame, origin: Origin) -> DataFrame:
    named = {origin.file: F.col("_file"), origin.row: F.col("_row")}
    return rows.withColumns({name: column for name, column in named.items() if name is not None})


def good_rows(judged: DataFrame, run_id: str) -> DataFrame:
    """The rows for silver: the source's columns, then where, when and by which run."""
    names = [name for name in judged.columns if not name.startswith("_")]
    good = judged.filter(F.col(SEVERITY).isNull())
    return good.select(*names, *_ORIGIN, "_known_at", F.lit(run_id).alias("_run_id"))
