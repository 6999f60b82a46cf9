"""In which fold each training row is, for what is fitted out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark.dataset.encoding import FOLD
from lepton_spark.dataset.split import SPLIT, key_hash

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.fitted import TargetEncodingSettings


def with_folds(
    rows: DataFrame, settings: TargetEncodingSettings | None, key: Sequence[str]
) -> tuple[DataFrame, list[str]]:
    """Deal training rows to folds by a hash of their key, so that a key is in one fold.

    Args:
        rows: Have `_split` and the key.
        settings: None adds nothing.
        key: Columns that identify a row.

    Returns:
        The rows with `_fold`, int from 0, null outside the training part; and the names added.
    """
    if settings is None:
        return rows, []
    fold = F.pmod(key_hash(key, settings.seed), F.lit(settings.folds)).cast("int")
    return rows.withColumn(FOLD, F.when(F.col(SPLIT) == "train", fold)), [FOLD]


def folds_of(settings: TargetEncodingSettings | None) -> dict[str, Any]:
    """What decides the folds, for the fingerprint of the dataset; empty without encodings."""
    if settings is None:
        return {}
    return {"folds": [settings.folds, settings.seed]}
