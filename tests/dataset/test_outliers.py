from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.config.fitted import Outliers
from lepton_spark.dataset.fit_outliers import _median, grow
from lepton_spark.dataset.outliers import Fence
from lepton_spark.dataset.transform import FeatureTransform, NumberColumn
from lepton_spark.errors import ModelError

RULE = Outliers(by="isolation_forest", share=0.05, then="flag")


def points(count=600, seed=3):
    """A cloud with a few points far off, and values that occur many times."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, 3)).astype(np.float32)
    values[: count // 40] += 6
    values[:, 2] = np.round(values[:, 2])
    return values


@pytest.mark.parametrize("rows", [600, 90])
def test_a_forest_scores_as_scikit_learn_does(rows):
    ensemble = pytest.importorskip("sklearn.ensemble")
    values, strange = points(rows), points(400, seed=9) * 3
    theirs = ensemble.IsolationForest(contamination=0.05, random_state=7).fit(values)

    ours = grow("all", ["a", "b", "c"], values, RULE)

    for given in (values, strange):
        np.testing.assert_allclose(
            ours.score(given), theirs.score_samples(given), rtol=0, atol=1e-6
        )
        flagged = theirs.predict(given) == -1
        rows = pa.table(dict(zip("abc", given.T.astype(np.float64), strict=True)))
        np.testing.assert_array_equal(ours.is_out(rows), flagged)
    assert ours.offset == pytest.approx(theirs.offset_)


def test_a_missing_value_is_filled_before_a_forest_looks_at_it():
    forest = replace(grow("all", ["a"], points()[:, :1], RULE), fills=(9.0,))

    found = forest.is_out(pa.table({"a": pa.array([None, float("nan"), 0.0, 9.0])}))

    assert found.tolist() == [True, True, False, True]


def test_the_largest_number_fills_gaps_as_what_it_is():
    largest = np.finfo(np.float32).max

    assert _median(np.array([largest, np.nan, largest], np.float32)) == largest
    assert _median(np.array([np.nan], np.float32)) == 0


def test_a_value_at_a_fence_is_inside_and_a_missing_one_is_no_outlier():
    fence = Fence("x", float(np.float32(0.1)), 5.0, "flag")
    values = [0.1, 0.09, 5.0, 5.001, None, float("nan"), 1e300]

    found = fence.is_out(pa.table({"x": pa.array(values, pa.float64())}))

    assert found.tolist() == [False, True, False, True, False, False, True]


TRANSFORM = FeatureTransform(
    numbers=tuple(NumberColumn(name, -9.0, 9.0, 0.0, 0.0, 1.0, False) for name in "ab"),  # noqa: FBT003  # a field
    categories=(),
    rows_digest="",
    fences=(Fence("a", -1.0, 1.0, "flag"), Fence("b", -1.0, 1.0, "refuse")),
    forests=(grow("*", ["a", "b"], points()[:, :2], RULE),),
)
ROWS = pa.table({"a": [0.0, 1.25, 7.0], "b": [0.0, 1.25, 0.0]})


def test_flags_are_columns_and_refused_rows_are_told():
    block = TRANSFORM.apply(ROWS)

    assert TRANSFORM.outputs == ("a", "b", "a is an outlier", "* is isolated")
    np.testing.assert_array_equal(block.numbers, [[0, 0, 0, 0], [1.25, 1.25, 1, 0], [7, 0, 1, 1]])
    assert TRANSFORM.refused(ROWS).tolist() == [False, True, False]
    assert TRANSFORM.refused(ROWS.slice(0, 0)).tolist() == []


def test_the_document_holds_forests_to_the_bit():
    again = FeatureTransform.from_json(TRANSFORM.to_json())

    assert again == TRANSFORM
    assert again.apply(ROWS).numbers.tobytes() == TRANSFORM.apply(ROWS).numbers.tobytes()


@pytest.mark.parametrize(
    "change", [{"left": -1}, {"left": 1}, {"right": 10**6}, {"feature": 9}, {"length": None}]
)
def test_a_forest_whose_paths_do_not_end_is_refused(change):
    document = json.loads(TRANSFORM.to_json())
    forest = document["forests"][0]
    inner = next(n for n, feature in enumerate(forest["feature"]) if n > 1 and feature >= 0)
    for part, value in change.items():
        forest[part][inner] = value

    with pytest.raises(ModelError, match="LS-3012"):
        FeatureTransform.from_json(json.dumps(document))


def test_what_finds_outliers_goes_with_its_columns():
    fewer = TRANSFORM.without(["b"])

    assert fewer.outputs == ("a", "a is an outlier")
    assert not fewer.refused(ROWS).any()
