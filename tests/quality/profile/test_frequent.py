from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.quality.profile import frequent
from lepton_spark.quality.profile.frequent import Frequent
from lepton_spark.quality.profile.hashing import hash_numbers


def frequent_of(values):
    different, counts = np.unique(np.array(values, np.int64), return_counts=True)
    hashes = hash_numbers(different)
    return Frequent.of(hashes, counts, lambda places: pa.array(different[places]))


@given(
    pieces=st.lists(st.lists(st.integers(0, 30) | st.integers(0, 2), max_size=60), max_size=8),
    data=st.data(),
)
def test_a_count_is_never_too_high_nor_lower_than_is_told(pieces, data):
    with pytest.MonkeyPatch.context() as small:
        small.setattr(frequent, "KEPT", 4)
        parts = [frequent_of(piece) for piece in pieces] or [Frequent()]
        while len(parts) > 1:
            first = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
            parts[0] = parts[0] + first
    (found,) = parts

    exact = Counter(value for piece in pieces for value in piece)
    told = dict(zip(found.values.to_pylist(), found.counts.tolist(), strict=True))
    assert len(told) <= 4
    assert found.error <= exact.total() / 5
    for value, count in exact.items():
        assert count - found.error <= told.get(value, 0) <= count


def test_rare_values_that_come_after_frequent_ones_do_not_break_the_bound(monkeypatch):
    monkeypatch.setattr(frequent, "KEPT", 4)
    pieces = [np.repeat(np.arange(4), 20), *np.arange(4, 64)[:, None]]

    found = sum(map(frequent_of, pieces), Frequent())

    assert found.error <= (80 + 60) / 5


def test_few_values_are_counted_exactly_and_told_in_a_fixed_order():
    found = sum((frequent_of(piece) for piece in ([7, 7, 1], [1, 7, 5], [])), Frequent())

    assert found.error == 0
    assert [(count, value.as_py()) for count, value in found.most(2)] == [(3, 7), (2, 1)]


def test_of_values_that_are_all_different_none_is_called_frequent():
    found = sum((frequent_of(np.arange(n * 5000, n * 5000 + 5000)) for n in range(4)), Frequent())

    assert found.most(10) == []
    assert found.error <= 20_000 / frequent.KEPT
