"""No rank is off by more than is promised, however the rows were cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from lepton_spark.quality.profile import ranks
from lepton_spark.quality.profile.ranks import RANK_ERROR, Ranks

SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
SHAPES = {
    "normal": lambda random, n: random.normal(size=n),
    "heavy tail": lambda random, n: random.pareto(0.5, n),
    "few values": lambda random, n: random.integers(0, 3, n).astype(float),
    "rising": lambda _, n: np.arange(n, dtype=float),
    "with infinities": lambda random, n: np.where(random.random(n) < 0.1, np.inf, random.random(n)),
}


def sketch(pieces):
    return sum((Ranks.of(np.sort(piece)) for piece in pieces), Ranks())


def furthest(found, values):
    """By how many rows the rank of an answer misses the one that was asked for."""
    ordered, rows = np.sort(values), len(values)
    low = np.searchsorted(ordered, found.quantiles(SHARES), side="left")
    high = np.searchsorted(ordered, found.quantiles(SHARES), side="right")
    wanted = np.array(SHARES) * rows
    return max(0.0, np.max(np.maximum(low - wanted, wanted - high)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("num_pieces", [1, 7, 100])
def test_quantiles_of_many_rows_are_within_the_promised_error(shape, num_pieces):
    values = SHAPES[shape](np.random.default_rng(3), 300_000)

    found = sketch(np.array_split(values, num_pieces))

    assert found.rows == len(values)
    assert 0 < found.error <= RANK_ERROR
    assert furthest(found, values) <= found.error * len(values)


@given(
    stn.arrays(np.float64, st.integers(1, 400), elements=st.floats(allow_nan=False)),
    st.lists(st.integers(0, 400), max_size=30),
)
def test_few_rows_are_exact_however_they_are_cut(values, cuts):
    found = sketch(np.split(values, sorted(cuts)))

    assert found.error == 0
    expected = np.sort(values)[
        np.minimum((np.array(SHARES) * len(values)).astype(int), len(values) - 1)
    ]
    np.testing.assert_array_equal(found.quantiles(SHARES), expected)


@given(
    values=stn.arrays(np.float64, st.integers(1, 900), elements=st.integers(-40, 40).map(float)),
    cuts=st.lists(st.integers(0, 900), max_size=60),
    data=st.data(),
)
def test_the_error_that_is_told_bounds_the_one_that_is_made(values, cuts, data):
    """With sketches so small that they are thinned at every turn."""
    with pytest.MonkeyPatch.context() as small:
        small.setattr(ranks, "_RUNS_OF_A_PIECE", 8)
        small.setattr(ranks, "_RUNS_OF_MANY", 16)
        small.setattr(ranks, "_PIECES_AT_ONCE", 3)
        parts = [Ranks.of(np.sort(piece)) for piece in np.split(values, sorted(cuts))]
        while len(parts) > 1:  # added up as a tree of any shape
            first = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
            place = data.draw(st.integers(0, len(parts) - 1))
            parts[place] = first + parts[place]
        (found,) = parts

    assert found.rows == len(values)
    assert furthest(found, values) <= found.error * len(values) + 1e-9
    edges = np.arange(-41.0, 42.0)
    exact = np.searchsorted(np.sort(values), edges, side="right")
    assert np.max(np.abs(found.at_most(edges) - exact)) <= found.error * len(values) + 1e-9


def test_memory_does_not_grow_with_the_rows_nor_the_error_beyond_the_promise():
    """A thousand pieces of a full block each: 131 million rows, without sorting them."""
    piece = Ranks.of(np.arange(131_072.0))
    sizes = []
    found = Ranks()
    for number in range(1, 4096):
        found += piece
        if number in {511, 4095}:
            sizes.append(sum(len(sample.values) for sample in found.samples))

    assert found.rows == 4095 * 131_072
    assert found.error <= RANK_ERROR
    assert sizes[1] <= 1.5 * sizes[0]


def test_nothing_was_seen_of_no_rows():
    assert (Ranks().rows, Ranks().error) == (0, 0.0)
    assert Ranks.of(np.empty(0)) == Ranks()
    assert Ranks().at_most(np.array([1.0])).tolist() == [0]
