from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform, NumberColumn
from lepton_spark.errors import ModelError

TRANSFORM = FeatureTransform(
    numbers=(
        NumberColumn("delay", -10.0, 50.0, 5.0, 5.0, 10.0, has_missing_flag=True),
        NumberColumn("distance", 0.0, 5000.0, 0.0, 0.0, 1000.0, has_missing_flag=False),
    ),
    categories=(CategoryColumn("carrier", ("UA", "DL")), CategoryColumn("hour", ("5", "6"))),
    rows_digest="0" * 64,
    num_rows=4,
)
ROWS = pa.table(
    {
        "carrier": pa.array(["DL", None, "ZZ", "UA"]),
        "hour": pa.array([6, 5, 7, None], pa.int32()),
        "distance": pa.array([1000, 2000, 9000, None], pa.int64()),
        "delay": pa.array([15.0, None, float("nan"), 1e9]),
    }
)


def test_numbers_are_clipped_filled_and_standardised():
    block = TRANSFORM.apply(ROWS)

    np.testing.assert_array_equal(
        block.numbers, [[1.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 5.0, 1.0], [4.5, 0.0, 0.0]]
    )
    assert block.numbers.dtype == np.float32
    assert TRANSFORM.outputs == ("delay", "distance", "delay is missing")


def test_categories_are_looked_up_and_the_unseen_are_zero():
    block = TRANSFORM.apply(ROWS)

    assert block.categories.tolist() == [[2, 2], [0, 1], [0, 0], [1, 0]]
    assert block.categories.dtype == np.int32
    assert TRANSFORM.cardinalities == (3, 3)


@pytest.mark.parametrize("spare", [0, 100])  # words that no row has: another way to look up
def test_each_way_to_look_a_word_up_finds_the_same(spare):
    words = ("UA", "DL", *(f"word {number}" for number in range(spare)))
    coded = ROWS.set_column(0, "carrier", ROWS["carrier"].dictionary_encode())

    for rows in (ROWS, coded):
        assert CategoryColumn("carrier", words).apply(rows).tolist() == [2, 0, 0, 1]
    assert CategoryColumn("carrier", words).apply(ROWS.slice(0, 0)).tolist() == []


def test_the_order_of_columns_and_the_form_of_text_do_not_matter():
    turned = ROWS.select(["delay", "hour", "carrier", "distance"])
    coded = ROWS.set_column(0, "carrier", ROWS["carrier"].dictionary_encode())
    large = ROWS.set_column(0, "carrier", ROWS["carrier"].cast(pa.large_string()))

    for variant in (turned, coded, large):
        block = TRANSFORM.apply(variant)
        np.testing.assert_array_equal(block.numbers, TRANSFORM.apply(ROWS).numbers)
        np.testing.assert_array_equal(block.categories, TRANSFORM.apply(ROWS).categories)


@given(st.integers(0, 4), st.integers(0, 4))
def test_any_slicing_gives_the_same_tensors(first, second):
    start, end = sorted((first, second))
    whole = TRANSFORM.apply(ROWS)

    part = TRANSFORM.apply(ROWS.slice(start, end - start))

    assert part.numbers.tobytes() == whole.numbers[start:end].tobytes()
    assert part.categories.tobytes() == whole.categories[start:end].tobytes()


def test_no_rows_give_an_empty_block():
    block = TRANSFORM.apply(ROWS.slice(0, 0))

    assert (block.numbers.shape, block.categories.shape, len(block)) == ((0, 3), (0, 2), 0)


def test_booleans_decimals_and_empty_columns_are_numbers():
    rows = ROWS.set_column(3, "delay", pa.array([True, False, None, True])).set_column(
        2, "distance", pa.nulls(4)
    )

    assert TRANSFORM.apply(rows).numbers[:, 2].tolist() == [0, 0, 1, 0]
    rows = rows.set_column(2, "distance", pa.array([1, 2, 3, None], pa.decimal128(9, 2)))
    assert TRANSFORM.apply(rows).numbers[0, 1] == np.float32(0.001)


def test_a_missing_column_is_named():
    with pytest.raises(ModelError, match=r"LS-3011.*'delay'"):
        TRANSFORM.apply(ROWS.drop_columns(["delay"]))


def test_a_column_of_another_kind_is_refused():
    moments = pa.array([dt.datetime(2024, 1, 1)] * 4)  # noqa: DTZ001  # Parquet has such values
    with pytest.raises(ModelError, match="LS-3013: column delay has type"):
        TRANSFORM.apply(ROWS.set_column(3, "delay", moments))
    with pytest.raises(ModelError, match="LS-3013: column hour has type double"):
        TRANSFORM.apply(ROWS.set_column(1, "hour", pa.array([1.5] * 4)))


def test_the_document_survives_a_round_trip():
    again = FeatureTransform.from_json(TRANSFORM.to_json())

    assert again == TRANSFORM
    assert again.digest == TRANSFORM.digest


def test_a_document_of_the_older_form_still_loads():
    document = json.loads(TRANSFORM.to_json())
    newer = {"fences", "forests", "encodings", "texts"}
    older = {name: part for name, part in document.items() if name not in newer}

    assert FeatureTransform.from_json(json.dumps({**older, "form": 1})) == TRANSFORM
    with pytest.raises(ModelError, match="LS-3012"):
        FeatureTransform.from_json(json.dumps(older))


LISTS = {
    "name": "g", "edges_from": "from", "edges_to": "to", "nodes": ["x"], "max_nodes": 2,
    "max_edges": 2, "directed": False,
}  # fmt: skip
PROPERTY = {"low": 0.0, "high": 1.0, "mean": 0.0, "scale": 1.0}
IMAGE = {"name": "x", "height": 2, "width": 2, "channels": 1, "stored": "file"}
ENCODED = {
    "name": "shop", "levels": ["a"], "rows": [[3, 1]], "positives": [[3, 0]],
    "all_rows": [4, 6], "all_positives": [3, 2], "smoothing": 2.0,
}  # fmt: skip


def damaged(**changes):
    document = json.loads(TRANSFORM.to_json())
    return json.dumps({**document, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        damaged(form=6),
        damaged(numbers=[{"name": "delay"}]),
        damaged(fences=[{"name": "gone", "low": 0.0, "high": 1.0, "then": "flag"}]),
        damaged(fences=[{"name": "delay", "low": 2.0, "high": 1.0, "then": "flag"}]),
        damaged(fences=[{"name": "delay", "low": 0.0, "high": 1.0, "then": "guess"}]),
        damaged(forests=[{"name": "delay"}]),
        damaged(images=[{"name": "delay"}]),
        damaged(images=[{**IMAGE, "channels": 2}]),
        damaged(graphs=[{"lists": LISTS, "properties": []}]),
        damaged(graphs=[{"lists": {**LISTS, "max_nodes": 0}, "properties": [PROPERTY]}]),
        damaged(graphs=[{"lists": LISTS, "properties": [{**PROPERTY, "scale": 0.0}]}]),
        damaged(texts=[{"name": "t", "terms": ["b", "a"], "idf": [1.0, 1.0], "ngrams": 1}]),
        damaged(encodings=[{**ENCODED, "all_rows": [4]}]),
        damaged(encodings=[{**ENCODED, "positives": [[4, 0]]}]),
        damaged(numbers=[{**json.loads(TRANSFORM.to_json())["numbers"][0], "scale": 0.0}]),
        damaged(numbers=[{**json.loads(TRANSFORM.to_json())["numbers"][0], "mean": float("nan")}]),
        damaged(categories=[{"name": "delay", "vocabulary": []}]),
        damaged(categories=[{"name": "carrier", "vocabulary": ["a", "a"]}]),
        damaged(categories=[{"name": "carrier", "vocabulary": [1]}]),
    ],
)
def test_a_damaged_document_is_refused(text):
    with pytest.raises(ModelError, match="LS-3012"):
        FeatureTransform.from_json(text)
