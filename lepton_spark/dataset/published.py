"""The dataset of a date, as the stages know it that fit, search, judge and register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.errors import DataError
from lepton_spark.lake.catalog import TableId

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from lepton_spark.context import RunContext
    from lepton_spark.lake.marker import Marker


def dataset_table(context: RunContext) -> TableId:
    """Where the dataset of a case is."""
    return TableId("gold", f"{context.case.case}_dataset")


def require_prepared(context: RunContext, found: Marker | None) -> Marker:
    """The publication of the dataset for the date of the run.

    Args:
        context: Of the run.
        found: What the history of the table says of the date.

    Raises:
        DataError: Nothing.
    """
    if found is None:
        raise DataError(
            "LS-2072",
            f"{dataset_table(context)} was not prepared for {context.as_of}",
            "models are fitted and judged on the dataset of the date of the run",
            "run the stage `dataset` first, or `lepton run`",
        )
    return found


def feature_types(schema: StructType, dataset: Marker) -> list[tuple[str, str]]:
    """Name and type of each feature column, in the order of the feature table.

    Args:
        schema: Of the dataset at the version of its publication.
        dataset: The publication.
    """
    return [(name, schema[name].dataType.simpleString()) for name in dataset.facts["features"]]
