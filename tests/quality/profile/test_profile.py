"""A table measured in one pass."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.quality.profile import profile
from lepton_spark.quality.profile.kind import Kind
from lepton_spark.quality.profile.measurements import correlations, measurements
from lepton_spark.quality.profile.profile import blocks, measure, rows_at_once


def test_rows_are_taken_in_pieces_of_one_size_whatever_parts_they_come_in():
    parts = [pa.table({"x": np.arange(first, first + size)}) for first, size in
             ((0, 3), (3, 0), (3, 10), (13, 1))]  # fmt: skip

    found = [block["x"].to_pylist() for block in blocks(parts, 4)]

    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13]]


def test_long_texts_are_taken_in_smaller_pieces(monkeypatch):
    monkeypatch.setattr(profile, "_BYTES_AT_ONCE", 1000)
    parts = [pa.table({"x": ["letter" * 100]}) for _ in range(5)]

    assert [block.num_rows for block in blocks(parts, 100)] == [2, 2, 1]


def test_a_thousand_columns_are_measured_in_small_pieces(monkeypatch):
    """Memory is that of a piece, which is the smaller the more columns there are."""
    random = np.random.default_rng(1)
    columns = {f"x{place}": random.normal(place, 1.0, 9000) for place in range(1000)}
    sizes = []
    monkeypatch.setattr(
        profile, "blocks", lambda rows, size: sizes.append(size) or blocks(rows, size)
    )

    found = measure([pa.table(columns)], dict.fromkeys(columns, Kind.NUMBER))

    assert sizes == [rows_at_once(1000)]
    assert sizes[0] * 1000 <= 2**23
    assert len(found.columns) == 1000
    for name, values in columns.items():
        assert found.columns[name].moments.mean == pytest.approx(values.mean())
        assert found.columns[name].distinct.count == pytest.approx(9000, rel=0.1)


def test_columns_with_nulls_and_many_chunks_are_correlated_over_the_rows_that_have_both():
    x = pa.chunked_array([[1, 2, None], [4, 5]], pa.int32())
    y = pa.chunked_array([[2.0, 4.0, 9.0], [8.0, None]])
    kinds = {"x": Kind.NUMBER, "y": Kind.NUMBER, "z": Kind.TEXT}
    rows = pa.table({"x": x, "y": y, "z": pa.chunked_array([list("ab"), list("cde")])})

    found = measure([rows], kinds, ["x", "y"])

    assert correlations(found.comoments) == [(0, 1, pytest.approx(1.0))]
    assert found.columns["z"].distinct.count == 5


def test_a_dictionary_is_measured_by_its_values():
    texts = pa.chunked_array([pa.array(["a", "b", "a"]).dictionary_encode()])

    found = measure([pa.table({"x": texts})], {"x": Kind.TEXT})

    told = measurements(found.columns["x"], Kind.TEXT)
    assert [each.text for each in told if each.name == "frequency"] == ["a", "b"]


def test_no_rows_are_no_error():
    empty = pa.table({"x": pa.array([], pa.float64())})

    found = measure([empty, empty], {"x": Kind.NUMBER}, ["x"])

    assert found.columns["x"].rows == 0
    assert measure([], {"x": Kind.NUMBER}).columns["x"].rows == 0
