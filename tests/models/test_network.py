from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from lepton_spark.config.train import ModelSettings
from lepton_spark.models.shape import Shape

pytestmark = pytest.mark.tensorflow
SETTINGS = ModelSettings(hidden=(8, 4), dropout=0.5, embedding=3)


@pytest.fixture(scope="module")
def network():
    return import_module("lepton_spark.models.network")  # TensorFlow loads only where it is run


def inputs(rows, width, cardinalities):
    random = np.random.default_rng(1)
    return {
        "numbers": random.normal(size=(rows, width)).astype(np.float32),
        "categories": np.stack([random.integers(0, c, rows) for c in cardinalities], 1)
        if cardinalities
        else np.zeros((rows, 0), np.int32),
    }


def test_a_row_has_the_same_logit_in_any_batch(network):
    model = network.build(SETTINGS, Shape(5, (4, 9)))
    batch = inputs(6, 5, [4, 9])

    whole = np.asarray(model(batch))
    alone = np.asarray(model({name: values[2:3] for name, values in batch.items()}))

    assert whole.shape == (6, 1)
    np.testing.assert_allclose(alone, whole[2:3], rtol=1e-5)


@pytest.mark.parametrize(("width", "cardinalities"), [(3, []), (0, [2, 5])])
def test_numbers_or_categories_alone_will_do(network, width, cardinalities):
    model = network.build(SETTINGS, Shape(width, tuple(cardinalities)))

    assert np.isfinite(np.asarray(model(inputs(4, width, cardinalities)))).all()


def test_the_seed_decides_the_weights(network):
    first, again, other = (
        network.arrays_of(network.build(SETTINGS, Shape(5, (4,)), seed=seed)) for seed in (3, 3, 4)
    )

    assert all((first[name] == again[name]).all() for name in first)
    assert not (first["hidden_0/kernel"] == other["hidden_0/kernel"]).all()


def test_weights_move_from_one_model_to_another(network):
    one, other = (network.build(SETTINGS, Shape(5, (4,)), seed=seed) for seed in (1, 2))

    network.put_arrays(other, network.arrays_of(one))

    batch = inputs(4, 5, [4])
    np.testing.assert_array_equal(np.asarray(one(batch)), np.asarray(other(batch)))


def test_weights_of_another_network_are_refused(network):
    arrays = network.arrays_of(network.build(SETTINGS, Shape(6, (4,))))

    with pytest.raises(ValueError, match="another network"):
        network.put_arrays(network.build(SETTINGS, Shape(5, (4,))), arrays)


def test_a_gru_reads_series_beside_the_rest_and_each_step_counts(network):
    shape = Shape(2, (3,), {"series_a": (5, 6), "series_b": (4, 3)})
    model = network.build(SETTINGS.model_copy(update={"kind": "gru", "series_units": 7}), shape)
    random = np.random.default_rng(2)
    batch = {
        **inputs(6, 2, [3]),
        "series_a": random.normal(size=(6, 5, 6)).astype(np.float32),
        "series_b": random.normal(size=(6, 4, 3)).astype(np.float32),
    }

    found = np.asarray(model(batch))

    assert found.shape == (6, 1)
    for step in range(5):
        other = {**batch, "series_a": batch["series_a"].copy()}
        other["series_a"][:, step] += 1
        assert (np.asarray(model(other)) != found).all()


def test_an_empty_text_is_read_as_nothing_and_not_by_cudnn_which_refuses_it(network):
    shape = Shape(1, (), series={"s": (4, 3)}, tokens={"t": (5, 9)})
    model = network.build(ModelSettings(kind="gru", hidden=(4,)), shape)
    batch = {**inputs(2, 1, []), "s": np.ones((2, 4, 3), np.float32)}
    batch["t"] = np.array([[2, 3, 4, 0, 0], [0, 0, 0, 0, 0]], np.int32)

    assert np.isfinite(np.asarray(model(batch))).all()
    assert model.get_layer("t_gru").use_cudnn is False
    assert model.get_layer("s_gru").use_cudnn == "auto"
