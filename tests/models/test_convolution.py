from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lepton_spark.config.train import ModelSettings
from lepton_spark.dataset.tensors import Block
from lepton_spark.models.design_matrix import dense, width_of
from lepton_spark.models.shape import Shape

pytestmark = pytest.mark.tensorflow
SHAPE = Shape(
    2,
    (4,),
    {"series_signs": (5, 6)},
    {"image_shot": (9, 12, 1)},
    {"tokens_said": (7, 30)},
    {"graph_ring": (4, 2, 3)},
)


def block_of(rows):
    random = np.random.default_rng(3)
    return Block(
        {
            "numbers": random.normal(size=(rows, 2)).astype(np.float32),
            "categories": random.integers(0, 4, (rows, 1), np.int32),
            "series_signs": random.normal(size=(rows, 5, 6)).astype(np.float32),
            "tokens_said": random.integers(0, 30, (rows, 7), np.int32),
            "image_shot": random.integers(0, 256, (rows, 9, 12, 1), np.uint8),
            "graph_ring_nodes": random.normal(size=(rows, 4, 2)).astype(np.float32),
            "graph_ring_edges": random.integers(0, 4, (rows, 3, 2), np.int32),
            "graph_ring_mask": (np.arange(4) <= np.arange(rows)[:, None] % 4).astype(np.float32),
        }
    )


def model_of(seed=0, **settings):
    from lepton_spark.models import network

    given = ModelSettings(kind="multimodal", filters=(8, 16), hidden=(16,), **settings)
    return network.build(given, SHAPE, seed=seed)


def test_a_network_reads_all_kinds_of_tensors_at_once():
    model, block = model_of(), block_of(6)

    logits = np.asarray(model(block.tensors, training=False))

    assert logits.shape == (6, 1)
    for name, values in block.tensors.items():
        changed = {**block.tensors, name: values[::-1].copy()}
        assert not np.allclose(np.asarray(model(changed, training=False)), logits), name


def test_what_is_seen_in_an_image_does_not_depend_on_the_rest_of_its_batch():
    model, block = model_of(flip=True, shift=0.1), block_of(6)

    whole = np.asarray(model(block.tensors, training=False))
    alone = np.asarray(model(block.cut(slice(2, 3)).tensors, training=False))

    np.testing.assert_allclose(alone[0], whole[2], rtol=1e-4, atol=1e-5)


def test_what_follows_the_end_of_a_text_is_not_read():
    model, block = model_of(), block_of(3)
    tokens = np.array([[5, 6, 0, 0, 0, 0, 0], [5, 6, 7, 0, 0, 0, 0], [0] * 7], np.int32)
    long = model_of(seed=0)
    said = {**block.tensors, "tokens_said": tokens}

    states = long.get_layer("tokens_said_gru").output
    from lepton_spark.models.lean import keras

    reader = keras.Model(long.inputs, states)
    found = np.asarray(reader([said[each.name] for each in long.inputs], training=False))

    assert not np.allclose(found[0], found[1])
    assert not found[2].any()
    assert np.asarray(model(said, training=False)).shape == (3, 1)


def test_the_same_seed_gives_the_same_weights():
    one, other, third = model_of(5), model_of(5), model_of(6)

    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert any((x != y).any() for x, y in zip(one.get_weights(), third.get_weights(), strict=True))


def test_training_changes_images_and_scoring_does_not():
    model, block = model_of(flip=True, shift=0.3, dropout=0.0), block_of(6)
    told = np.asarray(model(block.tensors, training=False))

    assert not np.allclose(np.asarray(model(block.tensors, training=True)), told)
    np.testing.assert_array_equal(np.asarray(model(block.tensors, training=False)), told)


def test_a_baseline_is_given_the_cells_of_an_image_and_the_words_of_a_text():
    block = block_of(4)

    found = dense(block, SHAPE)

    assert found.shape[1] + 1 == width_of(SHAPE, "ordinal")
    images = block.tensors["image_shot"]
    np.testing.assert_allclose(found[:, -141:-33], images.reshape(4, -1) / 127.5 - 1, atol=1e-6)
    for row, tokens in zip(found[:, -33:-5], block.tensors["tokens_said"], strict=True):
        assert row.tolist() == [(tokens == word).sum() for word in range(2, 30)]


def test_the_cells_of_a_large_image_are_means():
    shape = Shape(0, (), {}, {"image_shot": (30, 45, 1)})
    image = np.repeat(np.arange(30, dtype=np.uint8)[:, None], 45, axis=1)[None, :, :, None]

    found = dense(Block({"numbers": np.zeros((1, 0), np.float32), "image_shot": image}), shape)

    rows = found.reshape(14, 14)
    edges = [*(np.arange(14) * 30 // 14), 30]
    means = [image[0, lo:hi].mean() / 127.5 - 1 for lo, hi in pairwise(edges)]
    np.testing.assert_allclose(rows, np.repeat(np.array(means)[:, None], 14, axis=1), atol=1e-5)
