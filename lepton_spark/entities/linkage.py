"""Links between rows, found by Splink: it learns without labels how much each comparison tells."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from splink import Linker, SettingsCreator
from splink.internals.exceptions import EMTrainingException, SplinkException

from lepton_spark.config.entity import block_of, compared
from lepton_spark.entities.clusters import PROBABILITY
from lepton_spark.entities.compare import comparison_of
from lepton_spark.entities.engine import Engine
from lepton_spark.entities.records import MEMBER, SOURCE
from lepton_spark.errors import DataError
from lepton_spark.lake.troubles import explain

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.entity import Entity

_UID, _DATASET = "uid", "source_dataset"
_VIEW = "__lepton_"  # no table of a metastore is called so
# Pairs that say how often unlike rows agree by chance, and pairs that one rule is learned from.
_RANDOM_PAIRS, _TRAINING_PAIRS = 1_000_000, 5_000_000
_SEED = 7
_DIGITS = 6


@dataclass(frozen=True)
class Blocking:
    """One blocking rule.

    Args:
        reads: Columns that it reads: from its pairs nothing is learned about them.
        pairs: How many there are at most.
    """

    rule: int
    reads: frozenset[str]
    pairs: int


@dataclass(frozen=True)
class Model:
    """What Splink is told beforehand.

    Args:
        blocking: Rules that bring at least one pair.
        prior: Probability that two random rows are the same entity.
    """

    blocking: Sequence[Blocking]
    prior: float


def links(
    records: Mapping[str, DataFrame], entity: Entity, model: Model
) -> tuple[DataFrame, Mapping[str, Any]]:
    """Pairs of rows that are the same entity with at least the threshold's probability.

    Args:
        records: By source: `_member`, `_source`, a column `c_<name>` for each comparison and
            `block_<n>` for each rule. They are read a dozen times: keep them.
        entity: How columns are compared, and between which rows links may be.
        model: What Splink cannot learn from pairs.

    Returns:
        `left`, `right`, `left_source`, `right_source` and `match_probability`, computed and kept;
        and by column of the entity the weights of its levels: log2 of how much more often rows of
        one entity agree so than others. About ten shuffles and a hundred small queries.

    Raises:
        DataError: There are too few pairs to learn from.
    """
    session = next(iter(records.values())).sparkSession
    needs_jar = any(each.kind == "jaro_winkler" for each in entity.match.values())
    with _quiet(), _plain_errors():
        engine = Engine(session, needs_jar=needs_jar)
        try:
            tables = [
                engine.register(
                    _for_splink(rows, entity, model),
                    table_name=f"{_VIEW}{source}",
                    dataset_display_name=source,
                )
                for source, rows in records.items()
            ]
            linker = Linker(tables, _settings(entity, model), log_level=None)
            _learn(linker, entity, model)
            predicted = linker.inference.predict(threshold_match_probability=entity.threshold)
            # The plan ends here: what follows does not drag Splink's queries along.
            found = _named(predicted.as_spark_dataframe(), next(iter(records))).localCheckpoint()
            return found, _weights(linker)
        finally:
            engine.release()


def without_links(records: DataFrame) -> DataFrame:
    """No links, in the form of `links`."""
    names = ("left", "right", "left_source", "right_source")
    none = [F.lit(None).cast("string").alias(name) for name in names]
    return records.select(*none, F.lit(None).cast("double").alias(PROBABILITY)).limit(0)


def _for_splink(rows: DataFrame, entity: Entity, model: Model) -> DataFrame:
    return rows.select(
        F.col(MEMBER).alias(_UID),
        F.col(SOURCE).alias(_DATASET),
        *(compared(name) for name in entity.match),
        *(block_of(each.rule) for each in model.blocking),
    )


def _settings(entity: Entity, model: Model) -> SettingsCreator:
    return SettingsCreator(
        link_type=entity.links,
        comparisons=[comparison_of(name, each) for name, each in entity.match.items()],
        blocking_rules_to_generate_predictions=[_rule(each) for each in model.blocking],
        probability_two_random_records_match=model.prior,
        unique_id_column_name=_UID,
        source_dataset_column_name=_DATASET,
        retain_matching_columns=False,
    )


def _rule(blocking: Blocking) -> str:
    return f"l.{block_of(blocking.rule)} = r.{block_of(blocking.rule)}"


def _learn(linker: Linker, entity: Entity, model: Model) -> None:
    """Chance agreement from random pairs; then, from the pairs of each rule, that of equal ones."""
    linker.training.estimate_u_using_random_sampling(
        max_pairs=_RANDOM_PAIRS, seed=_SEED, min_count_per_level=None, num_chunks=1
    )
    for each in model.blocking:
        if set(entity.match) <= each.reads:
            continue
        # Named in the rule, so that Splink does not learn about them from its pairs.
        used = [compared(name) for name in entity.match if name in each.reads]
        present = [f"{side}.{name} is not null" for name in used for side in ("l", "r")]
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(
                " and ".join([_rule(each), *present]),
                estimate_without_term_frequencies=True,
                max_pairs=_TRAINING_PAIRS if each.pairs > _TRAINING_PAIRS else None,
            )
        except EMTrainingException:
            continue  # no pairs; whether another rule had some is seen below
    for name, comparison in zip(entity.match, linker._settings_obj.comparisons, strict=True):
        if not comparison._some_m_are_trained or not comparison._some_u_are_trained:
            raise DataError(
                "LS-2141",
                f"nothing could be learned about {name}: no two rows that share a block and"
                " have it.",
                "how much a column tells is learned from pairs that another column's rule gives.",
                f"add a blocking rule that does not read {name} and holds for more rows.",
            )


def _named(predicted: DataFrame, source: str) -> DataFrame:
    if f"{_DATASET}_l" not in predicted.columns:  # within one source Splink leaves it out
        alone = {f"{_DATASET}_{side}": F.lit(source) for side in ("l", "r")}
        predicted = predicted.withColumns(alone)
    return predicted.select(
        F.col(f"{_UID}_l").alias("left"),
        F.col(f"{_UID}_r").alias("right"),
        F.col(f"{_DATASET}_l").alias("left_source"),
        F.col(f"{_DATASET}_r").alias("right_source"),
        F.round(PROBABILITY, _DIGITS).alias(PROBABILITY),
    )


def _weights(linker: Linker) -> dict[str, Any]:
    told: dict[str, dict[str, float]] = {}
    for record in linker._settings_obj._parameters_as_detailed_records:
        weight = record.log2_bayes_factor
        if (
            weight is not None
            and isfinite(weight)
            and record.comparison_name.startswith(compared(""))
        ):
            name = record.comparison_name.removeprefix(compared(""))
            told.setdefault(name, {})[record.label_for_charts] = round(weight, 2)
    return told


@contextmanager
def _quiet() -> Iterator[None]:
    """What Splink and its parser log is SQL, which may hold cells: nothing of it is let out."""
    logs = [logging.getLogger(name) for name in ("splink", "sqlglot")]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Tell what Spark says below Splink in our words: Splink's error holds the SQL."""
    try:
        yield
    except SplinkException as error:
        raise explain(error.__cause__ or error, "the links between rows") from None
