"""Categories of a night that the model does not know: they all look alike to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.dataset.transform import FeatureTransform


def unseen_shares(features: DataFrame, transform: FeatureTransform) -> dict[str, float]:
    """The share of values that are not in the vocabulary, for each category column.

    Args:
        features: Rows of one night. One small job; none where the model has no categories.
        transform: As fitted. Values too rare to be learned are not in it; nulls are not counted.
    """
    if not transform.categories:
        return {}
    shares = []
    for column in transform.categories:
        word = F.col(column.name).cast("string")
        is_unseen = F.when(word.isNotNull(), (~word.isin(*column.vocabulary)).cast("double"))
        shares.append(F.round(F.avg(is_unseen), 4).alias(column.name))
    row = features.agg(*shares).first()
    found = row.asDict() if row is not None else {}
    return {name: share or 0.0 for name, share in found.items()}


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
