"""Search for settings on the training and validation rows of a dataset."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark import __version__
from lepton_spark.config.nearest import nearest
from lepton_spark.config.row_feature import categories_of
from lepton_spark.context import RunContext, StageResult
from lepton_spark.dataset.folds import with_folds
from lepton_spark.dataset.published import dataset_table, feature_types, require_prepared
from lepton_spark.dataset.row_groups import row_group_rows
from lepton_spark.dataset.shards import Piece, pieces_of
from lepton_spark.dataset.split import PARTS, SPLIT, key_hash
from lepton_spark.errors import ConfigError
from lepton_spark.lake import files, tables
from lepton_spark.lake.catalog import join, path_of
from lepton_spark.lake.copied import copied_by
from lepton_spark.lake.marker import json_digest
from lepton_spark.lake.readable import Part, readable
from lepton_spark.lake.tables import Marker, TableId
from lepton_spark.search.budget import budget_of, used_of
from lepton_spark.search.database import open_database
from lepton_spark.search.division import divisions, num_places, outers, too_few
from lepton_spark.search.folds import PLACE, grouped, stratified, time_ordered
from lepton_spark.search.study import open_study
from lepton_spark.search.told import facts_of
from lepton_spark.search.training import Trainer
from lepton_spark.search.trials import JOB, Ground, choose, measure
from lepton_spark.train.launch import num_ranks, num_workers
from lepton_spark.train.network import NOT_WEIGHTS, library_versions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.search import FoldSettings, SearchSettings

logger = logging.getLogger(__name__)
_ROWS_OF_A_FILE = 131_072
_ORDER_SEED = 20_021  # another than those of parts and folds
# Of nested folds: the rest of the time is for measuring what was chosen.
_SHARE_OF_CHOICE = 0.9


@dataclass(frozen=True)
class _Place:
    """Where a search keeps its study, and what it follows from."""

    path: str
    fingerprint: str

    @property
    def rows(self) -> str:
        """Where the rows of the study lie."""
        return join(self.path, "rows")

    @property
    def checkpoints(self) -> str:
        """Where trainings that run, or were cut, have theirs."""
        return join(self.path, "checkpoint")


def search(context: RunContext) -> StageResult:
    """Try settings by `search` of the case; given again it goes on, and ends where it has ended.

    Returns:
        No table; the facts of `told.facts_of`, and where the study is.

    Raises:
        ConfigError: The case says not what to search, or groups by a column that is not there.
        DataError: There is no dataset for the date.
        EnvironmentFault: A rank ran out of memory.
        TrainingError: No trial was trained to its end, or training failed.
        TryAgainError: A rank was killed or hung; the same command goes on.
        ConflictError: Another run searches for the same case.
    """
    settings = _settings(context)
    found = tables.find(context, dataset_table(context), "dataset", context.as_of.isoformat())
    marker = require_prepared(context, found)
    place = _place(context, settings, marker)
    with tables.hold(context, TableId("models", f"{context.case.case}-search")):
        facts = _search(context, settings, marker, place)
    best = facts["best"]
    logger.info("trial %d of %d is best: %s", best["trial"], len(facts["trials"]), best["set"])
    told = {**facts, "path": place.path, "fingerprint": place.fingerprint}
    return StageResult(JOB, (), {**told, "dataset_version": marker.version})


def _search(
    context: RunContext, settings: SearchSettings, marker: Marker, place: _Place
) -> dict[str, Any]:
    """Choose on all rows first; then, of nested folds, without each of them in turn."""
    with open_database(join(place.path, "study.db")) as database:
        study = open_study(database.storage, "all", settings)
        budget = budget_of(study, settings.budget_minutes * 60, database.keep)
        rows = tables.read(context, dataset_table(context), version=marker.version)
        trainer = Trainer(
            context,
            lambda: _rows(context, settings, marker, place),
            feature_types(rows.schema, marker),
        )
        ground = Ground(
            context.case, settings, trainer, budget, context.progress, place.checkpoints
        )
        places = range(num_places(settings.folds))
        nested = outers(settings.folds, places)
        share = _SHARE_OF_CHOICE / (len(nested) + 1) if nested else 1.0
        choose(ground, study, divisions(settings.folds, places), share)
        studies = []
        for number, outer in enumerate(nested, 1):
            name = f"without-{outer.division.judged}"
            studies.append(open_study(database.storage, name, settings))
            # Nor does measuring the ones before take of the time to choose.
            measured = (number - 1) * (1 - _SHARE_OF_CHOICE) / len(nested)
            choose(ground, studies[-1], outer.inner, share * (number + 1) + measured)
            measure(ground, studies[-1], outer)
        # Before the lock is free: the next search of the same case reads its rows from there.
        _clear(place)
        return facts_of(settings, study, studies, used_of(study))


def _clear(place: _Place) -> None:
    """Drop checkpoints and rows, unless something goes on from there where there is more time."""
    if not files.names_in(place.checkpoints):
        files.delete_tree(place.checkpoints)
        files.delete_tree(place.rows)


def _settings(context: RunContext) -> SearchSettings:
    if context.case.search is None:
        raise ConfigError(
            "LS-1133",
            f"the case {context.case.case} does not say what to search",
            "only settings that are named are tried, within the values that are named",
            "write search: {space: {train.learning_rate: {low: 1e-4, high: 1e-1, log: true}}}",
        )
    return context.case.search


def _place(context: RunContext, settings: SearchSettings, marker: Marker) -> _Place:
    """The folder of all that decides what a trial comes to; more trials or time change it not."""
    case = context.case
    facts = {
        "dataset": marker.fingerprint,
        "as_category": sorted(categories_of(case.features)),
        "tensors": case.features.model_dump(mode="json", include={"images", "graphs"}),
        "transform": case.transform.model_dump(mode="json"),
        "model": case.model.model_dump(mode="json"),
        "train": case.train.model_dump(mode="json", exclude=NOT_WEIGHTS),
        "search": settings.model_dump(mode="json", exclude={"trials", "budget_minutes"}),
        "ranks": num_ranks(context, marker.facts["rows"]["train"]),
        "code": __version__,
        "libraries": library_versions(),
    }
    fingerprint = json_digest(facts)
    parts = ("models", case.case, context.as_of.isoformat(), f"search-{fingerprint[:16]}")
    return _Place(path_of(context.environment, *parts), fingerprint)


def _rows(
    context: RunContext, settings: SearchSettings, marker: Marker, place: _Place
) -> dict[int, tuple[Piece, ...]]:
    """Training and validation rows by place; files of test rows are not opened."""
    size = row_group_rows(context.case, len(marker.facts["features"]))
    if settings.folds is None:
        return {
            number: pieces_of(
                readable(
                    context,
                    dataset_table(context),
                    Part(marker.version, SPLIT, part, join(place.rows, part)),
                    row_group_rows=size,
                ),
            )
            for number, part in enumerate(PARTS[:2])
        }
    context.progress.step(JOB, "deal the rows to folds")
    rows = _dealt(context, settings.folds, settings.seed, marker)
    found = copied_by(context, rows, place.rows, PLACE, row_group_rows=size)
    wanted = num_places(settings.folds)
    if len(found) < wanted:
        raise too_few("parts with rows", len(found), wanted)
    return {int(value): pieces_of(slices) for value, slices in found.items()}


def _dealt(context: RunContext, folds: FoldSettings, seed: int, marker: Marker) -> DataFrame:
    """The rows in their places, in the order of a hash, so that a row group is a sample of one."""
    case = context.case
    key = case.key_of(case.predict.each)
    rows = tables.read(context, dataset_table(context), version=marker.version)
    rows = rows.filter(F.col(SPLIT).isin(*PARTS[:2]))
    # All of them are trained on in some fold, so all are encoded by folds that they are not in.
    rows, _ = with_folds(
        rows.withColumn(SPLIT, F.lit("train")), case.transform.target_encoding, key
    )
    rows = rows.drop(SPLIT)
    if folds.by is not None:
        _demand(rows, folds.by)
        placed = grouped(rows, folds.by, folds.count, seed)
    elif folds.kind == "stratified":
        placed = stratified(rows, key, folds.count, seed)
    else:
        gap_days = case.aim.split.gap_days
        placed = time_ordered(rows, case.predict.day, num_places(folds), gap_days)
    num_rows = sum(marker.facts["rows"].get(part, 0) for part in PARTS[:2])
    num_files = max(num_workers(context), -(-num_rows // (_ROWS_OF_A_FILE * num_places(folds))))
    order = key_hash(key, _ORDER_SEED)
    return placed.repartition(num_files, order).sortWithinPartitions(PLACE, order)


def _demand(rows: DataFrame, name: str) -> None:
    known = [column for column in rows.columns if not column.startswith("_")]
    if name not in known:
        raise ConfigError(
            "LS-1134",
            f"search.folds.by is {name}, which is no column of the dataset",
            "rows are grouped by a key, the day or a feature",
            nearest(name, known),
        )
