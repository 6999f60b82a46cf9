from __future__ import annotations

import threading
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.dataset import blocks, cache, tensors
from lepton_spark.dataset.blocks import EpochReader, Layout, Shuffle, Source
from lepton_spark.dataset.outliers import Fence
from lepton_spark.dataset.prefetch import read_ahead
from lepton_spark.dataset.shards import deal, whole
from lepton_spark.dataset.terms import TextColumn
from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform, NumberColumn
from lepton_spark.errors import DataError

TRANSFORM = FeatureTransform(
    numbers=(NumberColumn("x", -1e9, 1e9, 0.0, 0.0, 1.0, has_missing_flag=False),),
    categories=(CategoryColumn("c", ("a", "b")),),
    rows_digest="",
)
SOURCE = Source(TRANSFORM, "_label")


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "part.parquet"
    count = 66
    rows = pa.table(
        {
            "x": pa.array(range(count), pa.float64()),
            "c": ["a", "b", "c"] * (count // 3),
            "_label": [float(n % 2) for n in range(count)],
        }
    )
    pq.write_table(rows, path, row_group_size=20)
    return [whole(str(path), n, rows) for n, rows in enumerate([20, 20, 20, 6])]


TRAIN_ROWS = [float(n) for n in range(66)]


def taken(blocks):
    """The values of column x that each step takes, padding left out."""
    return [
        block.rows.block.numbers[index[weight > 0], 0].tolist()
        for block in blocks
        for index, weight in zip(block.index, block.weight, strict=True)
    ]


@given(st.integers(1, 4), st.integers(1, 30), st.integers(1, 5), st.booleans())
def test_every_row_is_taken_once_an_epoch_in_equal_steps(
    pieces, num_ranks, batch_size, steps_per_block, is_shuffled
):
    dealt = deal(pieces, num_ranks, batch_size)
    layout = Layout(batch_size, dealt.steps, steps_per_block)
    seen = []
    for rank, shard in enumerate(dealt.shards):
        steps = taken(
            EpochReader(shard, SOURCE, layout).epoch(Shuffle(1, rank, 2) if is_shuffled else None)
        )
        assert len(steps) == dealt.steps
        seen += [value for step in steps for value in step]

    assert sorted(seen) == TRAIN_ROWS
    assert is_shuffled or seen == TRAIN_ROWS


@given(st.integers(1, 3), st.integers(1, 20), st.integers(1, 4), st.integers(0, 70))
def test_an_epoch_goes_on_from_any_block_as_if_it_had_not_stopped(
    pieces, num_ranks, batch_size, steps_per_block, place
):
    dealt = deal(pieces, num_ranks, batch_size)
    layout = Layout(batch_size, dealt.steps, steps_per_block)
    first = place % -(-dealt.steps // steps_per_block) * steps_per_block
    for rank, shard in enumerate(dealt.shards):
        shuffle = Shuffle(1, rank, 2)

        rest = taken(EpochReader(shard, SOURCE, layout).epoch(shuffle, first))

        assert rest == taken(EpochReader(shard, SOURCE, layout).epoch(shuffle))[first:]


def test_padding_has_weight_zero_and_a_row_to_read(pieces):
    dealt = deal(pieces[3:], 8, 4)
    layout = Layout(4, dealt.steps, 2)

    blocks = [next(EpochReader(shard, SOURCE, layout).epoch()) for shard in dealt.shards]

    assert sorted(block.weight.sum() for block in blocks) == [0, 0, 1, 1, 1, 1, 1, 1]
    assert all(block.index.max() < len(block.rows.labels) for block in blocks)


def test_a_refused_row_takes_its_place_in_a_step_with_weight_zero(pieces):
    refusing = replace(TRANSFORM, fences=(Fence("x", 3.0, 60.0, "refuse"),))
    reader = EpochReader(
        deal(pieces, 1, 16).shards[0], Source(refusing, "_label"), Layout(16, 5, 5)
    )

    block = next(reader.epoch(Shuffle(1, 0, 1)))

    assert sorted(taken([block])[0] + sum(taken([block])[1:], [])) == TRAIN_ROWS[3:61]  # noqa: RUF017  # a few rows
    assert np.isfinite(block.rows.labels).all()


def test_a_later_epoch_comes_from_the_cache_with_the_same_rows(pieces, tmp_path, monkeypatch):
    shard = deal(pieces, 1, 16).shards[0]
    reader = EpochReader(shard, SOURCE, Layout(16, 5, 2), tmp_path)
    first = list(reader.epoch(Shuffle(1, 0, 1)))

    monkeypatch.setattr(Source, "read", lambda *_: pytest.fail("read again"))
    second = list(reader.epoch(Shuffle(1, 0, 1)))

    for before, after in zip(first, second, strict=True):
        np.testing.assert_array_equal(before.rows.block.numbers, after.rows.block.numbers)
        np.testing.assert_array_equal(before.rows.block.categories, after.rows.block.categories)
        np.testing.assert_array_equal(before.rows.labels, after.rows.labels)


def test_epochs_differ_in_order(pieces):
    reader = EpochReader(deal(pieces, 1, 16).shards[0], SOURCE, Layout(16, 5, 5))

    assert taken(reader.epoch(Shuffle(1, 0, 1))) != taken(reader.epoch(Shuffle(1, 0, 2)))
    assert taken(reader.epoch(Shuffle(1, 0, 1))) == taken(reader.epoch(Shuffle(1, 0, 1)))


def test_without_room_the_lake_is_read_again(pieces, tmp_path, monkeypatch, caplog):
    reader = EpochReader(deal(pieces, 1, 16).shards[0], SOURCE, Layout(16, 5, 5), tmp_path)

    def no_room(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", no_room)

    assert sum(taken(reader.epoch()), []) == TRAIN_ROWS  # noqa: RUF017  # a few rows
    assert sum(taken(reader.epoch()), []) == TRAIN_ROWS  # noqa: RUF017
    assert cache.__name__ in {record.name for record in caplog.records}


def test_a_rank_that_reads_says_after_each_part_that_it_lives(pieces, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "rows_at_once", lambda _bytes: 5)
    said = []
    reader = EpochReader(
        deal(pieces, 1, 16).shards[0], SOURCE, Layout(16, 5, 5), tmp_path, lambda: said.append(1)
    )

    assert sum(taken(reader.epoch()), []) == TRAIN_ROWS  # noqa: RUF017  # a few rows
    assert len(said) == 3 * 4 + 2


def test_an_error_of_the_reading_thread_reaches_the_caller(pieces):
    wrong = [whole(pieces[0].path, 0, 21)]
    reader = EpochReader(deal(wrong, 1, 16).shards[0], SOURCE, Layout(16, 2, 2))

    with pytest.raises(DataError, match="LS-2061"):
        list(reader.epoch())


def test_a_reading_thread_ends_when_its_caller_does():
    before = set(threading.enumerate())
    ahead = read_ahead(lambda: iter(range(1000)))
    assert next(ahead) == 0

    ahead.close()

    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


def test_what_a_transform_holds_beside_the_rows_does_not_grow_with_their_width(
    tmp_path, monkeypatch
):
    count, terms = 2000, tuple(sorted(f"word{number}" for number in range(1000)))
    said = TextColumn("said", terms, (1.0,) * len(terms), 1)
    fence = Fence("x", 0.0, 9.0, "refuse")
    wide = FeatureTransform(TRANSFORM.numbers, (), "", texts=(said,), fences=(fence,))
    rows = pa.table(
        {
            "said": [f"word{n % 1000} word{n % 7}" for n in range(count)],
            "x": [float(n % 11) for n in range(count)],
            "_label": [float(n) for n in range(count)],
        }
    )
    path = tmp_path / "part.parquet"
    pq.write_table(rows, path)
    source, piece = Source(wide, "_label"), whole(str(path), 0, count)
    at_once = source.read(piece)
    monkeypatch.setattr(tensors, "_MOST_BYTES", 100_000)

    tracemalloc.start()
    in_parts = source.read(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1.3 * in_parts.block.numbers.nbytes
    np.testing.assert_array_equal(in_parts.block.numbers, at_once.block.numbers)
    np.testing.assert_array_equal(in_parts.labels, at_once.labels)
    assert np.isnan(in_parts.labels).sum() == sum(n % 11 == 10 for n in range(count))
