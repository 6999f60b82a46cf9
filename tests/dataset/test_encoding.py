from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.dataset.encoding import TargetEncoding
from lepton_spark.dataset.transform import FeatureTransform

ENCODING = TargetEncoding(
    "shop",
    levels=("a", "b"),
    rows=((3, 1), (0, 4)),
    positives=((3, 0), (0, 1)),
    all_rows=(4, 6),
    all_positives=(3, 2),
    smoothing=2.0,
)
SHOPS = pa.array(["a", "b", "new", None])


def shares(folds):
    """What `apply` gives, no longer standardised."""
    return ENCODING.apply(SHOPS, folds) * np.sqrt(0.5 * 0.5) + 0.5


def test_a_row_that_is_not_fitted_on_gets_the_share_of_all_training_rows():
    expected = [(3 + 2 * 0.5) / (4 + 2), (1 + 2 * 0.5) / (4 + 2), 0.5, 0.5]

    assert shares(None) == pytest.approx(expected)
    assert shares(pa.nulls(4, pa.int32())) == pytest.approx(expected)


def test_a_training_row_gets_the_share_of_the_other_folds():
    first, second = 2 / 6, 3 / 4  # of all rows outside of each fold

    assert shares(pa.array([0, 0, 0, 0])) == pytest.approx(
        [(0 + 2 * first) / (1 + 2), (1 + 2 * first) / (4 + 2), first, first]
    )
    assert shares(pa.array([1, 1, 1, 1])) == pytest.approx(
        [(3 + 2 * second) / (3 + 2), second, second, second]
    )


def test_the_transform_encodes_by_the_fold_where_the_rows_have_one():
    transform = FeatureTransform((), (), "", encodings=(ENCODING,))
    rows = pa.table({"shop": SHOPS})
    folds = pa.array([0, 1, None, 0], pa.int32())

    scored = transform.apply(rows).numbers[:, 0]
    fitted = transform.apply(rows.append_column("_fold", folds)).numbers[:, 0]

    assert transform.columns == ("shop",)
    assert transform.columns_to_fit == ("shop", "_fold")
    assert scored == pytest.approx(ENCODING.apply(SHOPS, None))
    assert fitted == pytest.approx(ENCODING.apply(SHOPS, folds))
    assert FeatureTransform.from_json(transform.to_json()) == transform
