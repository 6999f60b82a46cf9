"""Lists in texts become tensors of a graph, and every graph that cannot be is refused."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.dataset.graphs import FAULTS, Graph, GraphLists, Property
from lepton_spark.dataset.number_lists import number_lists
from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.errors import ModelError

LISTS = GraphLists("ring", "from", "to", ("charge",), max_nodes=3, max_edges=2, directed=False)
GRAPH = Graph(LISTS, (Property(low=-2.0, high=2.0, mean=1.0, scale=0.5),))
TRANSFORM = FeatureTransform((), (), "", graphs=(GRAPH,))


def rows_of(*rows):
    columns = dict(zip(LISTS.columns, zip(*rows, strict=True), strict=True))
    return pa.table({name: pa.array(each, pa.string()) for name, each in columns.items()})


def test_a_graph_is_standardised_nodes_edges_both_ways_and_a_mask():
    found = TRANSFORM.apply(rows_of(("[0]", "[1]", "[1.5, 9]"), ("[ ]", "[]", " [] "))).tensors

    assert found["graph_ring_nodes"][:, :, 0].tolist() == [[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]
    assert found["graph_ring_mask"].tolist() == [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    assert found["graph_ring_edges"].tolist() == [
        [[0, 1], [-1, -1], [1, 0], [-1, -1]],
        [[-1, -1]] * 4,
    ]
    for name, spec in TRANSFORM.specs.items():
        assert found[name].shape[1:] == spec.shape
        assert found[name].dtype == spec.dtype


def test_with_a_direction_an_edge_is_one_edge():
    lists = GraphLists("ring", "from", "to", ("charge",), 3, 2, directed=True)

    found = Graph(lists, GRAPH.properties).apply(rows_of(("[2, 0]", "[1, 0]", "[0, 0, 0]")))

    assert found["graph_ring_edges"].tolist() == [[[2, 1], [0, 0]]]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ((None, "[0]", "[1]"), "missing"),
        (("[0]", "[0]", None), "missing"),
        (("[0]", "0", "[1]"), "no list of numbers"),
        (("[0]", "[0]", "[1, null]"), "no list of numbers"),
        (("[0]", "[0]", "[NaN]"), "no list of numbers"),
        (("[0]", "[0]", "[1e999]"), "no list of numbers"),
        (("[[0]]", "[0]", "[1]"), "no list of numbers"),
        (("[0, 1]", "[0]", "[1, 1]"), "lists of unequal length"),
        (("[]", "[]", "[1, 1, 1, 1]"), "more nodes than max_nodes"),
        (("[0, 0, 0]", "[0, 0, 0]", "[1]"), "more edges than max_edges"),
        (("[0]", "[2]", "[1, 1]"), "an edge to a node that is not there"),
        (("[-1]", "[0]", "[1]"), "an edge to a node that is not there"),
        (("[0.5]", "[0]", "[1]"), "an edge to a node that is not there"),
        (("[0]", "[0]", "[]"), "an edge to a node that is not there"),
        (("[2]", "[0, 1]", None), "missing"),
    ],
)
def test_a_graph_that_cannot_be_refuses_its_row_and_says_why(row, fault):
    rows = rows_of(("[0]", "[1]", "[1, 2]"), row)

    assert FAULTS[LISTS.faults(LISTS.read(rows))[1]] == fault
    assert TRANSFORM.refused(rows).tolist() == [False, True]
    found = TRANSFORM.apply(rows).tensors
    assert not found["graph_ring_mask"][1].any()
    assert (found["graph_ring_edges"][1] == -1).all()
    assert found["graph_ring_mask"][0].sum() == 2


def test_properties_of_different_length_refuse_a_row():
    lists = GraphLists("two", "from", "to", ("charge", "mass"), 3, 2, directed=False)
    rows = rows_of(("[]", "[]", "[1, 2]")).append_column("mass", pa.array(["[1]"]))

    assert FAULTS[lists.faults(lists.read(rows))[0]] == "lists of unequal length"


@given(st.lists(st.none() | st.lists(st.integers() | st.floats(-1e60, 1e60)), min_size=1))
def test_a_list_is_read_as_json_reads_it(lists):
    texts = [None if each is None else json.dumps(each) for each in lists]

    found = number_lists(pa.table({"x": pa.array(texts, pa.string())}), "x")

    expected = [each or [] for each in lists]
    is_long = [any(abs(number) >= 1e40 for number in each) for each in expected]
    for row, (each, unread) in enumerate(zip(expected, is_long, strict=True)):
        if found.is_list[row]:
            assert found.values[found.rows == row].tolist() == [float(number) for number in each]
            assert found.places[found.rows == row].tolist() == list(range(len(each)))
        else:
            assert lists[row] is None or unread
    assert found.is_missing.tolist() == [each is None for each in lists]


def test_rows_give_the_same_however_they_are_sliced():
    rows = rows_of(*(("[0]", "[1]", f"[{n}, 2]") for n in range(4)), (None, "[]", "[]"))

    parts = [TRANSFORM.apply(rows.slice(place, 2)).tensors for place in (0, 2, 4)]

    for name, whole in TRANSFORM.apply(rows).tensors.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), whole)


def test_a_column_of_numbers_is_told():
    rows = rows_of(("[]", "[]", "[]")).set_column(2, "charge", pa.array([1.5]))

    with pytest.raises(ModelError, match="LS-3013"):
        TRANSFORM.apply(rows)


def test_a_transform_with_graphs_survives_its_document():
    again = FeatureTransform.from_json(TRANSFORM.to_json())

    assert again == TRANSFORM
    assert again.refusal == "graph"
    assert again.columns == ("from", "to", "charge")
