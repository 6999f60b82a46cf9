"""Categories of a night that the model does not know: they all look alike to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.dataset.transform import FeatureTransform

_COUNTS = "place bigint, given bigint, known bigint"


def unseen_shares(features: DataFrame, transform: FeatureTransform) -> dict[str, float]:
    """The share of values that are not in the vocabulary, for each category column.

    Args:
        features: Rows of one night. One small job, in which the workers look the values up as they
            do to score them; none where the model has no categories.
        transform: As fitted. Values too rare to be learned are not in it; nulls are not counted.

    Returns:
        Shares from 0 to 1 by column, rounded to four digits; 0 where a column has nulls alone.
    """
    columns = transform.categories
    if not columns:
        return {}

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Cells that are given and that the model knows, a row a column and batch."""
        for batch in batches:
            given = [len(batch) - batch.column(each.name).null_count for each in columns]
            known = [np.count_nonzero(each.apply(batch)) for each in columns]
            counts = {"place": range(len(columns)), "given": given, "known": known}
            yield pa.RecordBatch.from_pydict(counts)

    counted = features.select(*(each.name for each in columns)).mapInArrow(count, _COUNTS)
    sums = {row[0]: row[1:] for row in counted.groupBy("place").sum("given", "known").collect()}
    shares = {}
    for place, column in enumerate(columns):
        given, known = sums.get(place, (0, 0))
        shares[column.name] = round((given - known) / max(given, 1), 4)
    return shares


def require_known(shares: Mapping[str, float], max_unseen: float) -> None:
    """See that the model knows most categories of a night.

    Raises:
        DataError: Of one column it does not; the column and its share are named.
    """
    worst = max(shares, key=lambda name: shares[name], default=None)
    if worst is None or shares[worst] <= max_unseen:
        return
    raise DataError(
        "LS-2128",
        f"{shares[worst]:.1%} of the values of {worst} are unknown to the model.",
        f"score.max_unseen is {max_unseen:.1%}; unknown values all look alike to the model.",
        f"see whether {worst} is coded in another way now, or train again: lepton run.",
        "the predictions of the day were not published",
    )
