from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.dataset.shards import Shard, deal, rows_of_step, whole
from lepton_spark.errors import TrainingError

ROW_GROUPS = st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any)


def pieces_of(row_groups):
    return [whole(f"part-{n}.parquet", n, rows) for n, rows in enumerate(row_groups)]


def rows_in(shard):
    return [(p.path, p.start + i) for p in shard.pieces for i in range(p.rows)]


@given(ROW_GROUPS, st.integers(1, 6), st.integers(1, 16))
def test_every_row_goes_to_exactly_one_rank(row_groups, num_ranks, batch_size):
    dealt = deal(pieces_of(row_groups), num_ranks, batch_size)

    assert len(dealt.shards) == num_ranks
    assert [row for shard in dealt.shards for row in rows_in(shard)] == [
        (f"part-{n}.parquet", i) for n, rows in enumerate(row_groups) for i in range(rows)
    ]


@given(ROW_GROUPS, st.integers(1, 6), st.integers(1, 16))
def test_shards_are_even_and_fit_the_agreed_steps(row_groups, num_ranks, batch_size):
    dealt = deal(pieces_of(row_groups), num_ranks, batch_size)
    sizes = [shard.rows for shard in dealt.shards]

    assert max(sizes) - min(sizes) <= 1
    assert dealt.steps == -(-max(sizes) // batch_size)
    for rows in sizes:
        taken = [rows_of_step(rows, dealt.steps, step) for step in range(dealt.steps)]
        assert taken[0][0] == 0
        assert taken[-1][1] == rows
        assert all(end - first <= batch_size for first, end in taken)
        assert all(a[1] == b[0] for a, b in pairwise(taken))


def test_more_ranks_than_rows_leave_some_empty():
    dealt = deal(pieces_of([2]), 4, 10)

    assert sorted(shard.rows for shard in dealt.shards) == [0, 0, 1, 1]
    assert dealt.steps == 1


def test_no_rows_cannot_be_dealt():
    with pytest.raises(TrainingError, match="LS-6001: there are 0 rows"):
        deal(pieces_of([0, 0]), 2, 10)


def test_a_shard_survives_json():
    shard = deal(pieces_of([3, 5]), 2, 10).shards[1]

    assert Shard.of(shard.to_dict()) == shard
