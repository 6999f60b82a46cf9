"""A network reads the graph of a row, however it is padded, ordered or batched."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.config.train import ModelSettings
from lepton_spark.dataset.graphs import Graph, GraphLists, Property
from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.models.design_matrix import dense, dense_names, dense_width
from lepton_spark.models.predictor import load_predictor
from lepton_spark.models.shape import Shape
from lepton_spark.models.weights import pack

pytestmark = pytest.mark.tensorflow
SETTINGS = ModelSettings(kind="graph", hidden=(8,), graph_units=8)
PROPERTIES = (Property(-4.0, 4.0, 0.0, 1.0), Property(-4.0, 4.0, 0.5, 2.0))


def transform_of(max_nodes=6, max_edges=9):
    lists = GraphLists("ring", "from", "to", ("x", "y"), max_nodes, max_edges, directed=False)
    return FeatureTransform((), (), "", graphs=(Graph(lists, PROPERTIES),))


def graphs_of(count=5, seed=1):
    """Of each row its edges and the two properties of its nodes; the first has no edge."""
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 7, count)
    return [
        (random.integers(0, size, (2, 0 if not row else size + 1)), random.normal(size=(2, size)))
        for row, size in enumerate(sizes)
    ]


def rows_of(graphs):
    lists = [(*edges.tolist(), *nodes.tolist()) for edges, nodes in graphs]
    names = ("from", "to", "x", "y")
    return pa.table({n: [json.dumps(each[p]) for each in lists] for p, n in enumerate(names)})


@pytest.fixture(scope="module")
def model():
    """A network whose weights are all at random, those that begin with 0 or 1 too."""
    from lepton_spark.models import network

    random = np.random.default_rng(2)
    built = network.build(SETTINGS, Shape.of(transform_of()), seed=3)
    built.set_weights([random.normal(size=array.shape) / 2 for array in built.get_weights()])
    return built


@pytest.fixture(scope="module")
def files(model):
    from lepton_spark.models import network

    return {"weights.npz": pack(network.arrays_of(model))}


def scores(graphs, files, transform=None):
    transform = transform or transform_of()
    spec = {"kind": "graph", "settings": SETTINGS.model_dump(mode="json")}
    spec |= json.loads(json.dumps(Shape.of(transform).to_spec()))
    return load_predictor(spec, files).predict(transform.apply(rows_of(graphs)))[:, 0]


def test_a_loaded_network_scores_as_the_one_that_was_kept(model, files):
    logits = np.asarray(model(transform_of().apply(rows_of(graphs_of())).tensors))[:, 0]

    np.testing.assert_allclose(
        scores(graphs_of(), files), 1 / (1 + np.exp(-logits.astype(float))), atol=1e-6
    )
    assert np.ptp(logits) > 1e-3


def test_padding_changes_nothing(files):
    wide = transform_of(max_nodes=40, max_edges=90)

    np.testing.assert_allclose(
        scores(graphs_of(), files, wide), scores(graphs_of(), files), atol=1e-6
    )


def test_neither_the_order_of_nodes_nor_that_of_edges_changes_anything(files):
    random = np.random.default_rng(5)
    turned = []
    for edges, nodes in graphs_of():
        order = random.permutation(nodes.shape[1])
        shuffled = np.argsort(order)[edges][::-1, random.permutation(edges.shape[1])]
        turned.append((shuffled, nodes[:, order]))

    np.testing.assert_allclose(scores(turned, files), scores(graphs_of(), files), atol=1e-6)


def test_a_row_does_not_hear_of_other_rows(files):
    graphs = graphs_of()

    for row in range(len(graphs)):
        alone = scores(graphs[row : row + 1], files)
        assert alone[0] == pytest.approx(scores(graphs, files)[row], abs=1e-6)


def test_a_node_hears_of_its_neighbours(files):
    edges, nodes = np.array([[0], [1]]), np.array([[0.0, 3.0], [1.0, 2.0]])

    joined, apart = scores([(edges, nodes), (edges[:, :0], nodes)], files)

    assert abs(joined - apart) > 1e-4


def test_a_node_hears_of_the_neighbours_of_its_neighbours(files):
    # In both graphs as many nodes have the same property and the same mean of their neighbours.
    one = np.array([[0, 0, 3], [1, 2, 4]]), np.array([[0.0, 0, 1, 0, 0], [0.0] * 5])
    other = np.array([[0, 0, 0, 1], [1, 2, 3, 4]]), np.array([[0.0, 0, 0, 0, 1], [0.0] * 5])

    found = scores([one, other], files)

    assert abs(found[0] - found[1]) > 1e-4


def test_a_baseline_is_given_what_is_counted_and_the_means_of_properties():
    graphs, transform = graphs_of(), transform_of()
    shape = Shape.of(transform)

    found = dense(transform.apply(rows_of(graphs)), shape)

    assert dense_names(transform)[:3] == ["ring nodes", "ring edges", "ring degree"]
    assert found.shape[1] == len(dense_names(transform)) == dense_width(shape)
    for row, (edges, nodes) in zip(found, graphs, strict=True):
        size, ends = nodes.shape[1], 2 * edges.shape[1]
        means = nodes.mean(axis=1) - np.array([0.0, 0.5])
        expected = [np.log1p(size), np.log1p(ends), ends / size, *(means / [1.0, 2.0])]
        np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-6)
