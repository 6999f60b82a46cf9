"""What becomes of each column of a dataset, as its case says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.feature_name import window_names
from lepton_spark.config.row_feature import categories_of
from lepton_spark.dataset.fit import Columns
from lepton_spark.dataset.graphs import GraphLists
from lepton_spark.dataset.images import ImageColumn
from lepton_spark.dataset.series import Asked, Names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lepton_spark.config.case import Case


def columns_of(case: Case, types: Sequence[tuple[str, str]]) -> Columns:
    """What the transform of a case is fitted to.

    Args:
        case: Says which columns are encoded, cut into words, series, images or graphs.
        types: Name and Spark type of each feature column, in their order.
    """
    images = [ImageColumn.of(*each) for each in case.features.images.items()]
    as_category = categories_of(case.features)
    columns = Columns.of(types, as_category, case.transform, _series(case), images)
    return columns.with_graphs([GraphLists.of(*each) for each in case.features.graphs.items()])


def _series(case: Case) -> list[Asked]:
    return [
        Asked(
            f"series_{source}",
            windows.steps,
            tuple(Names(*window_names(source, windows, name)) for name in windows.variables),
        )
        for source, windows in case.features.windows.items()
    ]
