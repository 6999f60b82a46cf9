"""The local cache of rows leaves the disk some room, and keeps whole rows alone."""

from __future__ import annotations

import resource
import shutil
from collections import namedtuple

import numpy as np
import pytest

from lepton_spark.dataset.cache import Labelled, RowCache
from lepton_spark.dataset.tensors import Block, TensorSpec

SPECS = {"numbers": TensorSpec((3,), "float32"), "categories": TensorSpec((0,), "int32")}


def rows_of(count, seed=0):
    numbers = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    block = Block.of(numbers, np.zeros((count, 0), np.int32))
    return Labelled(block, np.arange(count, dtype=np.float32))


@pytest.fixture
def file_limit():
    """Sets the most bytes that a file of this process may have, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_rows_that_did_not_fit_leave_nothing_behind(tmp_path, file_limit, caplog):
    cache, kept = RowCache(tmp_path, SPECS), rows_of(1000)
    cache.put(4, kept)

    file_limit(15_000)
    cache.put(5, rows_of(1000, seed=1))
    file_limit(resource.RLIM_INFINITY)
    cache.put(6, rows_of(10, seed=2))

    assert "no more local cache of training rows: File too large" in caplog.text
    assert (tmp_path / "numbers").stat().st_size == 12_000
    assert (tmp_path / "_labels").stat().st_size == 4_000
    assert cache.get(5) is cache.get(6) is None
    np.testing.assert_array_equal(cache.get(4).block.numbers, kept.block.numbers)
    np.testing.assert_array_equal(cache.get(4).labels, kept.labels)


def test_a_disk_is_not_filled(tmp_path, monkeypatch, caplog):
    usage = namedtuple("usage", "total used free")  # what shutil gives
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(100_000, 90_000, 10_000))
    cache = RowCache(tmp_path, SPECS)

    cache.put(0, rows_of(300))
    cache.put(1, rows_of(400))

    assert "the disk is nearly full" in caplog.text
    assert cache.get(0) is not None
    assert cache.get(1) is None
