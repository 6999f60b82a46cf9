"""What becomes of each column of a dataset, and of its label, as its case says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lepton_spark.config.feature_name import window_names
from lepton_spark.config.row_feature import categories_of
from lepton_spark.dataset.fit import Columns
from lepton_spark.dataset.graphs import GraphLists
from lepton_spark.dataset.images import ImageColumn
from lepton_spark.dataset.series import Asked, Names
from lepton_spark.models.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lepton_spark.config.case import Case
    from lepton_spark.lake.marker import Marker


def columns_of(case: Case, types: Sequence[tuple[str, str]]) -> Columns:
    """What the transform of a case is fitted to.

    Args:
        case: Says which columns are encoded, cut into words, series, images or graphs.
        types: Name and Spark type of each feature column, in their order.
    """
    images = [ImageColumn.of(*each) for each in case.features.images.items()]
    as_category = categories_of(case.features)
    columns = Columns.of(types, as_category, case.transform, _series(case), images)
    columns = replace(columns, key=case.key_of(case.predict.each))
    return columns.with_graphs([GraphLists.of(*each) for each in case.features.graphs.items()])


def output_of(case: Case, dataset: Marker) -> Output:
    """What a network says of a row; an amount in the units of the training rows."""
    facts = dataset.facts["labels"]["train"]
    if case.task.kind != "amount":
        return Output(case.task)
    return Output(case.task, facts["mean"], facts["deviation"])


def class_rows_of(dataset: Marker) -> tuple[int, ...]:
    """Training rows of each class; empty where the label is an amount."""
    return tuple(dataset.facts["labels"]["train"].get("classes", ()))


def _series(case: Case) -> list[Asked]:
    return [
        Asked(
            f"series_{source}",
            windows.steps,
            tuple(Names(*window_names(source, windows, name)) for name in windows.variables),
        )
        for source, windows in case.features.windows.items()
    ]
