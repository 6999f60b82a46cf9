"""Join features with labels and deal the rows to train, validate and test."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark.context import Published, RunContext, StageResult
from lepton_spark.dataset.audit import audit_dataset
from lepton_spark.dataset.folds import folds_of, with_folds
from lepton_spark.dataset.label import KNOWN_AT, LABEL, label_rows, on_last_day
from lepton_spark.dataset.label_count import LabelCount, label_counts
from lepton_spark.dataset.published import dataset_table
from lepton_spark.dataset.row_groups import row_group_rows
from lepton_spark.dataset.split import GAP, PARTS, SPLIT, assign_split, key_hash
from lepton_spark.dataset.sufficiency import require_enough
from lepton_spark.dataset.tensors import MOST_ROWS
from lepton_spark.entities.published import version_for
from lepton_spark.lake import tables
from lepton_spark.lake.marker import json_digest
from lepton_spark.lake.tables import Publication, TableId

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.case import Case

logger = logging.getLogger(__name__)
JOB = "dataset"
_ORDER_SEED = 20_011  # another than the split's, so that order and part have nothing in common


@dataclass(frozen=True)
class _Summary:
    """What is known of the dataset before it is written.

    Args:
        fitted_until: When the last label of train and validate was known, ISO, UTC.
        content: Order-free digest of keys, labels and parts.
        left_out: Rows between two parts, which are in none.
    """

    parts: dict[str, LabelCount]
    fitted_until: str
    content: str
    left_out: int

    @property
    def rows(self) -> int:
        """Rows of all parts together."""
        return sum(part.rows for part in self.parts.values())


@dataclass(frozen=True)
class _Pinned:
    """One version of the feature table, and a digest of what is in it."""

    table: TableId
    version: int
    fingerprint: str


def prepare(context: RunContext) -> StageResult:
    """Publish gold.<case>_dataset: each row whose label was known at the moment, with its part.

    Raises:
        DataError: Features or outcomes are not there, or the audit failed.
        TryAgainError: No row has a label yet.
        TrainingError: One class or amount only, too few rows, or a group in two parts.
    """
    case = context.case
    _warn_of_groups(case)
    table = dataset_table(context)
    features_table = TableId("gold", f"{case.case}_features")
    pinned = _pin(context, features_table)
    features = tables.read(context, features_table, version=pinned.version)
    features = features.filter(F.col("_as_of") <= F.lit(context.as_of))
    labels = _labels(context)
    summary, unlabelled = _summarise(context, features, labels)
    require_enough(summary.parts, case.task, label=case.aim.label.name, unlabelled=unlabelled)
    columns = feature_columns(case, features.columns)
    publication = Publication(
        table,
        JOB,
        context.as_of.isoformat(),
        _fingerprint(context, pinned, summary, columns),
        replace="true",
        facts=_facts(summary, columns, pinned),
        partition_by=(SPLIT,),
        audit=lambda staged: audit_dataset(
            staged, _key(case), case.task, num_rows=summary.rows, by=case.aim.split.by
        ),
        row_group_rows=row_group_rows(case, len(columns)),
    )
    published = tables.publish(context, _rows(context, features, labels, summary), publication)
    logger.info("%d rows in %s", summary.rows, table)
    if summary.left_out:
        logger.info("%d rows before validation and test are left out", summary.left_out)
    return StageResult(JOB, (published,), _told(publication, published))


def _warn_of_groups(case: Case) -> None:
    split, key = case.aim.split, _key(case)
    if split.test_share is not None and not split.by and len(key) > 1:
        logger.warning(
            "a row is in train or test by all of %s: rows with one %s may be in both; where they"
            " must not be, name it in predict.split.by",
            ", ".join(key),
            " or ".join(key),
        )


def feature_columns(case: Case, columns: list[str]) -> list[str]:
    """Which columns of the feature table are features, in their order."""
    others = {*_key(case), case.predict.day} - set(case.features.own)
    return [name for name in columns if name not in others and not name.startswith("_")]


def _key(case: Case) -> tuple[str, ...]:
    return case.key_of(case.predict.each)


def _labels(context: RunContext) -> DataFrame:
    case = context.case
    source = case.aim.label.source
    table = TableId("silver", f"{case.case}_{source}")
    version = None
    if source in case.entities:  # each night replaces its table: what the logical date knew
        marks = tables.marks(context, table, tables.current_version(context, table))
        version = version_for(str(table), marks, context.as_of)
    outcomes = tables.read(context, table, version=version)
    return label_rows(outcomes, case.aim.label, _key(case), moment=context.moment)


def _labelled(context: RunContext, features: DataFrame, labels: DataFrame) -> DataFrame:
    case = context.case
    joined = on_last_day(features, _key(case), case.predict.day).join(
        labels, on=list(_key(case)), how="inner"
    )
    return assign_split(joined, case.aim.split, day=case.predict.day, key=_key(case))


def _summarise(context: RunContext, features: DataFrame, labels: DataFrame) -> tuple[_Summary, int]:
    """Count parts and labels; reads no feature. Collects one row a part."""
    case = context.case
    columns = [*_key(case), case.predict.day, *case.aim.split.by]
    narrow = features.select(*dict.fromkeys(columns))
    rows = _labelled(context, narrow, labels)
    digest = F.xxhash64(*(F.col(name) for name in (*_key(case), LABEL, SPLIT)))
    counted = rows.groupBy(SPLIT).agg(
        *label_counts(case.task),
        F.date_format(F.max(KNOWN_AT), "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").alias("known_until"),
        F.sum(digest.cast("decimal(38,0)")).cast("string").alias("content"),
    )
    found = {row[SPLIT]: row for row in counted.collect()}
    counts = {name: LabelCount.of(row.asDict()) for name, row in found.items()}
    left_out = counts.pop(GAP).rows if GAP in counts else 0
    until = [found[name]["known_until"] for name in PARTS[:2] if name in found]
    content = [[name, found[name]["content"]] for name in PARTS if name in found]
    summary = _Summary(counts, max(until, default=""), json.dumps(content), left_out)
    return summary, 0 if summary.rows else narrow.count()


def _rows(
    context: RunContext, features: DataFrame, labels: DataFrame, summary: _Summary
) -> DataFrame:
    """Rows in the order of a hash, so that every row group is a random sample of its part."""
    case = context.case
    kept = [*_key(case), case.predict.day, *feature_columns(case, features.columns)]
    rows = _labelled(context, features, labels).filter(F.col(SPLIT) != GAP)
    rows, folds = with_folds(rows, case.transform.target_encoding, _key(case))
    rows = rows.select(*dict.fromkeys(kept), LABEL, SPLIT, KNOWN_AT, *folds)
    largest = max(part.rows for part in summary.parts.values())
    num_files = max(case.train.workers, -(-largest // MOST_ROWS))
    order = key_hash(_key(case), _ORDER_SEED)
    return rows.repartition(num_files, order).sortWithinPartitions(SPLIT, order)


def _pin(context: RunContext, table: TableId) -> _Pinned:
    """The features that were built for the date of the run, else the newest there are."""
    built = tables.find(context, table, "features", context.as_of.isoformat())
    if built is None:
        newest = tables.current_version(context, table)
        built = tables.marker_of(context, table, newest) if newest >= 0 else None
        return _Pinned(table, newest, built.fingerprint if built else str(newest))
    return _Pinned(table, built.version, built.fingerprint)


def _fingerprint(
    context: RunContext, pinned: _Pinned, summary: _Summary, columns: list[str]
) -> str:
    case = context.case
    facts = {
        "features": pinned.fingerprint,
        "columns": columns,
        "rows": summary.content,
        "label": case.aim.label.model_dump(mode="json"),
        "split": case.aim.split.model_dump(mode="json"),
        **folds_of(case.transform.target_encoding),
    }
    return json_digest(facts)


def _facts(summary: _Summary, columns: list[str], pinned: _Pinned) -> dict[str, Any]:
    return {
        "rows": {name: part.rows for name, part in summary.parts.items()},
        **({"left_out": summary.left_out} if summary.left_out else {}),
        "labels": {name: part.facts() for name, part in summary.parts.items()},
        "percentiles": list(summary.parts["train"].percentiles),
        "fitted_until": summary.fitted_until,
        "features": columns,
        "features_table": str(pinned.table),
        "features_version": pinned.version,
    }


def _told(publication: Publication, published: Published) -> dict[str, Any]:
    private = {"features", "percentiles"}
    facts = {name: value for name, value in publication.facts.items() if name not in private}
    return {
        **facts,
        "features": len(publication.facts["features"]),
        "dataset_version": published.version,
    }
