from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.dataset.series import Names, Series, Variable
from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.errors import ModelError

PULSE = Variable(Names("pulse", "pulse_mask", "pulse_gap"), low=40, high=200, mean=80, scale=20)
HEAT = Variable(Names("heat", "heat_mask", "heat_gap"), low=30, high=45, mean=37, scale=1)
SERIES = Series("series_signs", 3, (PULSE, HEAT))
ROWS = pa.table(
    {
        "pulse": [[100.0, None, 900.0], [None, None, None]],
        "pulse_mask": pa.array([[1, 0, 1], [0, 0, 0]], pa.list_(pa.int8())),
        "pulse_gap": [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]],
        "heat": [[37.0, 38.0, 36.0], None],
        "heat_mask": [[1, 1, 1], None],
        "heat_gap": [[0.0, 1.0, 1.0], None],
    }
)


def test_a_step_is_its_values_then_its_masks_then_its_gaps():
    found = SERIES.apply(ROWS)

    one, two = np.log([2, 3])
    assert found.dtype == np.float32
    assert found[0] == pytest.approx(
        np.array([[1, 0, 1, 1, 0, 0], [0, 1, 0, 1, one, one], [6, -1, 1, 1, two, one]])
    )
    assert found[1] == pytest.approx(
        np.array([[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, one, 0], [0, 0, 0, 0, two, 0]])
    )


def test_rows_give_the_same_however_they_are_sliced():
    whole = SERIES.apply(ROWS)

    parts = [SERIES.apply(ROWS.slice(place, 1)) for place in range(2)]

    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ([[1.0, 2.0], [1.0, 2.0]], "LS-3014"),
        ([[1.0, 2.0, 3.0], [1.0]], "LS-3014"),
        ([1.0, 2.0], "LS-3013"),
        ([["a", "b", "c"]] * 2, "LS-3013"),
    ],
)
def test_lists_of_another_length_or_kind_are_refused(column, code):
    rows = ROWS.set_column(0, "pulse", [column])

    with pytest.raises(ModelError, match=code):
        SERIES.apply(rows)


def test_a_transform_with_series_survives_its_document():
    transform = FeatureTransform((), (), "", series=(SERIES,))

    again = FeatureTransform.from_json(transform.to_json())

    assert again == transform
    assert again.specs["series_signs"].shape == (3, 6)
    np.testing.assert_array_equal(again.apply(ROWS).tensors["series_signs"], SERIES.apply(ROWS))


def test_what_a_network_is_not_given_leaves_its_series():
    transform = FeatureTransform((), (), "", series=(SERIES,))

    assert transform.without(["pul*"]).series == (Series("series_signs", 3, (HEAT,)),)
    assert transform.without(["pulse", "heat"]).series == ()
