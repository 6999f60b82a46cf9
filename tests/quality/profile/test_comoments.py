from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from lepton_spark.quality.profile.comoments import CoMoments

CELLS = st.integers(-50, 50).map(float) | st.just(np.nan)


def comoments_of(pieces):
    parts = [CoMoments.of(piece.copy()) for piece in pieces]
    return sum(parts, CoMoments.none(len(pieces[0])))


@given(
    stn.arrays(np.float64, st.tuples(st.just(3), st.integers(3, 40)), elements=CELLS),
    st.lists(st.integers(0, 40), max_size=4),
)
def test_any_cutting_gives_what_pandas_finds_in_the_rows_of_each_pair(columns, cuts):
    found = comoments_of(np.split(columns, sorted(cuts), axis=1)).correlations()

    expected = pd.DataFrame(columns.T).corr(min_periods=2).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_a_large_offset_and_missing_cells_cost_no_digits():
    random = np.random.default_rng(5)
    x = random.normal(size=20_000)
    columns = 1e8 + np.stack([x, x + random.normal(size=20_000), random.normal(size=20_000)])
    columns[:, random.random(20_000) < 0.1] = np.nan
    columns[0, :50] = np.inf

    found = comoments_of(np.array_split(columns, 7, axis=1)).correlations()

    finite = pd.DataFrame(np.where(np.isinf(columns), np.nan, columns).T)
    np.testing.assert_allclose(found, finite.corr().to_numpy(), atol=1e-6)


def test_a_column_that_does_not_vary_goes_with_no_other():
    constant = np.full(1000, 0.1)
    columns = np.stack([np.arange(1000.0), constant])

    found = comoments_of([columns[:, :300], columns[:, 300:]]).correlations()

    assert found[0, 0] == pytest.approx(1.0)
    assert np.isnan(found[0, 1])


def test_cells_too_large_for_their_squares_give_no_number_and_no_warning():
    columns = np.array([[1e300, -1e300, 1e300], [1.0, 2.0, 3.0]])

    found = comoments_of([columns[:, :1], columns[:, 1:]]).correlations()

    assert np.isnan(found[0, 1])
    assert found[1, 1] == pytest.approx(1.0)
