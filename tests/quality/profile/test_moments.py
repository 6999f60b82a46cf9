from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from lepton_spark.quality.profile.moments import Moments

NUMBERS = stn.arrays(np.float64, st.integers(2, 80), elements=st.floats(-1e9, 1e9))


def moments_of(pieces):
    return sum((Moments.of(np.sort(piece)) for piece in pieces), Moments())


@given(NUMBERS, st.lists(st.integers(0, 80), max_size=5))
def test_any_cutting_gives_what_numpy_finds_in_all_rows(values, cuts):
    found = moments_of(np.split(values, sorted(cuts)))

    assert (found.count, found.low, found.high) == (len(values), values.min(), values.max())
    span = max(abs(values).max(), 1e-300)
    assert found.mean == pytest.approx(values.mean(), rel=1e-12, abs=1e-12 * span)
    assert found.deviation == pytest.approx(values.std(ddof=1), rel=1e-9, abs=1e-9 * span)


def test_a_large_offset_costs_no_digits():
    values = 1e9 + np.random.default_rng(1).normal(size=100_000)

    found = moments_of(np.array_split(values, 13))

    assert found.deviation == pytest.approx(values.std(ddof=1), rel=1e-9)


def test_what_64_bits_cannot_hold_is_not_told():
    found = moments_of([np.array([-1.7e308, 1.7e308]), np.array([1.7e308])])

    assert found.mean == pytest.approx(1.7e308 / 3)
    assert found.deviation is None


def test_one_number_has_no_deviation_and_none_has_no_mean():
    assert Moments.of(np.array([3])).deviation is None
    assert Moments.of(np.empty(0)) == Moments()
    assert (Moments() + Moments.of(np.array([3]))).mean == 3
