from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from lepton_spark.dataset.statistics import Bounds, Detail, Survey, sortable, summarise, value_of

FLOATS = stn.arrays(
    np.float64,
    st.integers(1, 60),
    elements=st.floats(-1e6, 1e6, width=32) | st.just(float("nan")) | st.integers(-3, 3).map(float),
)


def summary_of(parts, quantile):
    surveys = [Survey.of(part) for part in parts]
    survey = sum(surveys[1:], surveys[0])
    bounds = Bounds.of(survey, quantile)
    details = [Detail.of(part, bounds) for part in parts]
    return summarise(survey, bounds, sum(details[1:], details[0]))


@given(
    stn.arrays(np.float32, 20, elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
)
def test_bits_sort_like_values_and_lead_back_to_them(values):
    values = values.astype(np.float64)
    keys = sortable(values)

    assert (np.diff(keys[np.argsort(values)].astype(np.int64)) >= 0).all()
    np.testing.assert_array_equal(value_of(keys), values)


@given(FLOATS.filter(lambda v: not np.isnan(v).all()), st.sampled_from([0.0, 0.01, 0.1, 0.4]))
def test_quantiles_are_exact_and_moments_are_those_of_clipped_values(values, quantile):
    found = summary_of([values], quantile)

    kept = np.sort(values[~np.isnan(values)])
    rank = int(quantile * len(kept))
    clipped = np.clip(kept, kept[rank], kept[-1 - rank])
    assert (found.low, found.high) == (kept[rank], kept[-1 - rank])
    span = max(abs(found.low), abs(found.high), 1e-30)
    assert found.mean == pytest.approx(clipped.mean(), rel=1e-5, abs=1e-5 * span)
    assert found.deviation == pytest.approx(clipped.std(), rel=1e-3, abs=2e-5 * span)


@given(FLOATS.filter(lambda v: not np.isnan(v).all()), st.lists(st.integers(0, 60), max_size=4))
def test_any_cutting_and_order_of_rows_gives_the_same_to_the_bit(values, cuts):
    parts = np.split(values, sorted(cuts))

    assert summary_of(parts[::-1], 0.05) == summary_of([values], 0.05)


def test_a_large_column_has_the_moments_that_numpy_finds():
    values = np.random.default_rng(1).lognormal(3.0, 1.0, 200_000)
    clipped = np.clip(values, *np.quantile(values, [0.001, 0.999]))

    found = summary_of(np.array_split(values, 7), 0.001)

    assert found.mean == pytest.approx(clipped.mean(), rel=1e-5)
    assert found.deviation == pytest.approx(clipped.std(), rel=1e-4)


def test_infinite_tails_are_clipped_away():
    values = np.concatenate([np.arange(1000.0), [np.inf, -np.inf, 1e300]])

    found = summary_of([values], 0.01)

    assert (found.low, found.high) == (9.0, 991.0)
    assert found.mean == pytest.approx(500, rel=0.01)


@pytest.mark.parametrize("sentinel", [np.finfo(np.float64).max, np.inf, -1e39])
def test_a_sentinel_beyond_32_bits_counts_as_the_largest_of_them(sentinel):
    values = np.concatenate([np.arange(1000.0), np.full(100, sentinel)])

    found = summary_of([values], 0.01)

    largest = float(np.finfo(np.float32).max)
    assert max(abs(found.low), abs(found.high)) == largest
    clipped = np.clip(values, found.low, found.high)
    assert found.mean == pytest.approx(clipped.mean(), rel=1e-4)
    assert found.deviation == pytest.approx(clipped.std(), rel=1e-4)


def test_the_squares_of_many_values_of_one_row_group_do_not_wrap():
    values = np.full(9_000_000, 0.99)
    zero, one = (int(sortable(np.array([value]))[0]) >> 16 for value in (0.0, 1.0))

    found = Detail.of(values, Bounds(zero, one, 0))

    assert found.between == len(values)
    assert found.squares == len(values) * round(found.total / len(values)) ** 2 > 2**63
