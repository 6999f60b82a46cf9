"""Images and graphs beside the features of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def with_images(
    features: DataFrame, rows: DataFrame, images: Iterable[str], by: Sequence[str]
) -> DataFrame:
    """Put the images and graphs of rows beside their features, after all other columns.

    They do not travel with the rows: a worker that looks into the past of its rows holds half a
    million of them, and so many images are more than it has memory for. One shuffle of the images,
    and none without any.

    Args:
        features: One row for each that `by` tells apart.
        rows: The same rows with their images.
        images: Columns of bytes, and of texts that hold graphs.
        by: The key and the day.
    """
    names = [*images]
    if not names:
        return features
    return features.join(rows.select(*by, *names), [*by], how="left").select(
        *features.columns, *names
    )
