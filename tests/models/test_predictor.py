"""Predictors come from a spec and bytes, and refuse what does not fit together."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lepton_spark.dataset.tensors import Block
from lepton_spark.errors import ModelError
from lepton_spark.models.design_matrix import dense
from lepton_spark.models.predictor import load_predictor
from lepton_spark.models.slices import SLICE_ROWS
from lepton_spark.models.weights import pack

SIZES = {"width": 2, "cardinalities": [3]}


def block(rows=5, seed=1):
    random = np.random.default_rng(seed)
    return Block.of(
        random.normal(size=(rows, 2)).astype(np.float32),
        random.integers(0, 3, (rows, 1)).astype(np.int32),
    )


def logistic(**changed):
    arrays = {"coefficients": np.arange(5.0)[:, None], "intercepts": np.array([-1.0]), **changed}
    return {"weights.npz": pack(arrays)}


def test_the_majority_gives_every_row_its_rate():
    predictor = load_predictor({"kind": "majority", "values": [0.25], **SIZES}, {})

    assert predictor.predict(block()).tolist() == [[0.25]] * 5


def test_the_logistic_model_is_a_sigmoid_of_the_design_matrix():
    rows = block()

    scores = load_predictor({"kind": "logistic", **SIZES}, logistic()).predict(rows)

    one_hot = np.eye(3)[rows.categories[:, 0]]
    logits = np.hstack([rows.numbers, one_hot]) @ np.arange(5.0) - 1
    assert scores[:, 0] == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-6)


def test_boosted_trees_predict_as_the_booster_did():
    xgboost = pytest.importorskip("xgboost")
    rows = block(400)
    matrix = np.hstack([rows.numbers, rows.categories])
    target = (matrix[:, 0] + matrix[:, 2] > 1).astype(float)
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 2}, xgboost.DMatrix(matrix, target), 5
    )

    files = {"booster.json": bytes(booster.save_raw("json"))}
    scores = load_predictor({"kind": "boosted_trees", **SIZES}, files).predict(rows)

    assert scores[:, 0] == pytest.approx(booster.predict(xgboost.DMatrix(matrix)), abs=1e-6)


@pytest.mark.tensorflow
def test_the_network_predicts_as_it_was_trained_whatever_the_slicing():
    from lepton_spark.config.train import ModelSettings
    from lepton_spark.models import network
    from lepton_spark.models.shape import Shape

    settings = ModelSettings(hidden=(4,), embedding=2)
    model = network.build(settings, Shape(2, (3,)), seed=5)
    rows = block(SLICE_ROWS + 10)
    spec = {"kind": "table_mlp", "settings": settings.model_dump(mode="json"), **SIZES}
    files = {"weights.npz": pack({weight.path: weight.numpy() for weight in model.weights})}

    scores = load_predictor(spec, files).predict(rows)

    logits = np.asarray(model({"numbers": rows.numbers, "categories": rows.categories}))[:, 0]
    assert scores[:, 0] == pytest.approx(1 / (1 + np.exp(-logits.astype(float))), abs=1e-6)


CUTS = (1, 7, 100, 1000, 1500)


def cut_scores(predictor, rows, size):
    parts = [rows.cut(slice(start, start + size)) for start in range(0, len(rows), size)]
    return np.concatenate([predictor.predict(part) for part in parts])


def test_a_logistic_row_gets_the_same_bits_however_rows_are_cut():
    random = np.random.default_rng(0)
    numbers = random.normal(size=(1500, 46)).astype(np.float32)
    rows = Block.of(numbers, random.integers(0, 3, (1500, 1)).astype(np.int32))
    files = {
        "weights.npz": pack(
            {"coefficients": random.normal(size=(49, 1)), "intercepts": np.array([0.5])}
        )
    }
    predictor = load_predictor({"kind": "logistic", "width": 46, "cardinalities": [3]}, files)

    whole = predictor.predict(rows)

    for size in CUTS:
        assert np.array_equal(cut_scores(predictor, rows, size), whole), size


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("kind", "tensors", "rows"),
    [
        ("table_mlp", {}, 1500),
        ("gru", {"series": {"series_a": (6, 6)}}, 1500),
        ("cnn", {"images": {"image_a": (12, 12, 1)}}, 300),
    ],
)
def test_a_row_of_a_network_gets_the_same_bits_however_rows_are_cut(kind, tensors, rows):
    from lepton_spark.config.train import ModelSettings
    from lepton_spark.models import network
    from lepton_spark.models.shape import Shape

    settings = ModelSettings(kind=kind, hidden=(64, 32))
    shape = Shape(46, (30, 200), **tensors)
    model = network.build(settings, shape, seed=5)
    random = np.random.default_rng(2)
    made = {
        "numbers": random.normal(size=(rows, 46)).astype(np.float32),
        "categories": random.integers(0, 30, (rows, 2)).astype(np.int32),
    }
    for name, sizes in shape.series.items():
        made[name] = random.normal(size=(rows, *sizes)).astype(np.float32)
    for name, sizes in shape.images.items():
        made[name] = random.integers(0, 256, (rows, *sizes)).astype(np.uint8)
    files = {"weights.npz": pack({weight.path: weight.numpy() for weight in model.weights})}
    spec = {"kind": kind, "settings": settings.model_dump(mode="json"), **shape.to_spec()}
    predictor = load_predictor(spec, files)

    whole = predictor.predict(Block(made))

    for size in CUTS[1:]:
        assert np.array_equal(cut_scores(predictor, Block(made), size), whole), size
    alone = cut_scores(predictor, Block(made).cut(slice(20)), 1)
    assert np.array_equal(alone, whole[:20])
    assert predictor.predict(Block(made).cut(slice(0))).shape == (0, 1)


def test_slices_are_whole_kernels_or_single_rows():
    from lepton_spark.config.train import ModelSettings
    from lepton_spark.models.predictor import _slice_rows
    from lepton_spark.models.shape import Shape

    sides = (12, 28, 64, 224, 512)
    shapes = [Shape(1, (), images={"image_a": (side, side, 3)}) for side in sides]

    found = [_slice_rows(ModelSettings(kind="cnn"), shape) for shape in shapes]

    assert found[0] == SLICE_ROWS
    assert found[-1] == 1
    assert found == sorted(found, reverse=True)
    assert all(rows == 1 or rows % 8 == 0 for rows in found)


def average(*members):
    own = {"kind": "logistic", "width": 1, "cardinalities": [3]}
    found = members or (
        {"spec": own, "numbers": [1], "categories": [0]},
        {
            "spec": {"kind": "majority", "values": [0.5], **SIZES},
            "numbers": [0, 1],
            "categories": [0],
        },
    )
    return {"kind": "average", "members": list(found), **SIZES}


def test_an_average_gives_each_member_its_own_inputs():
    rows = block()
    few = Block.of(rows.numbers[:, 1:], rows.categories)
    files = logistic(coefficients=np.arange(4.0)[:, None])
    alone = load_predictor(average()["members"][0]["spec"], files).predict(few)

    scores = load_predictor(average(), files).predict(rows)

    assert scores == pytest.approx((alone + 0.5) / 2)


@pytest.mark.tensorflow
def test_a_member_is_given_its_own_series_and_tensors_alone():
    from lepton_spark.config.train import ModelSettings
    from lepton_spark.models import network
    from lepton_spark.models.shape import Shape

    settings = ModelSettings(kind="gru", hidden=(4,), embedding=2, series_units=3)
    whole = Shape(
        2, (3,), {"series_a": (4, 6), "series_b": (4, 3)}, {"image_a": (8, 8, 1)}, {"text": (5, 9)}
    )
    own = Shape(2, (3,), {"series_a": (4, 3)})
    model = network.build(settings, own, seed=5)
    spec = {"kind": "gru", "settings": settings.model_dump(mode="json"), **own.to_spec()}
    files = {"weights.npz": pack({weight.path: weight.numpy() for weight in model.weights})}
    entry = {"spec": spec, "numbers": [0, 1], "categories": [0], "series": {"series_a": [1, 3, 5]}}
    constant = {"kind": "majority", "values": [0.5], **whole.to_spec()}
    both = {"spec": constant, "numbers": [0, 1], "categories": [0]}
    random, rows = np.random.default_rng(2), block()
    series = random.normal(size=(5, 4, 6)).astype(np.float32)
    others = {
        "series_b": series[:, :, :3], "image_a": np.zeros((5, 8, 8, 1), np.uint8),
        "text": np.zeros((5, 5), np.int32),
    }  # fmt: skip
    cut = {"series_a": np.ascontiguousarray(series[:, :, [1, 3, 5]])}
    alone = load_predictor(spec, files).predict(Block({**rows.tensors, **cut}))
    average_ = {"kind": "average", "members": [entry, both], **whole.to_spec()}

    scores = load_predictor(average_, files).predict(
        Block({**rows.tensors, "series_a": series, **others})
    )

    assert scores == pytest.approx((alone + 0.5) / 2)
    for channels in ([1, 3], [1, 3, 6]):
        entry["series"] = {"series_a": channels}
        with pytest.raises(ModelError, match="do not fit its spec"):
            load_predictor(average_, files)


@pytest.mark.parametrize(
    "change", [{"numbers": [2]}, {"numbers": [0, 1]}, {"categories": []}, {"spec": average()}]
)
def test_an_average_of_members_that_do_not_fit_is_refused(change):
    first, second = average()["members"]
    files = logistic(coefficients=np.arange(4.0)[:, None])

    for members in [({**first, **change}, second), (first,)]:
        with pytest.raises(ModelError) as refused:
            load_predictor(average(*members), files)
        assert refused.value.exit_code == 30


@pytest.mark.parametrize(
    ("spec", "files"),
    [
        ({"kind": "logistic", **SIZES}, {}),
        ({"kind": "logistic", **SIZES}, logistic(coefficients=np.arange(4.0)[:, None])),
        ({"kind": "logistic", "width": 3, "cardinalities": [3]}, logistic()),
        ({"kind": "logistic", "cardinalities": [3]}, logistic()),
        ({"kind": "logistic", **SIZES}, {"weights.npz": b"no archive"}),
        ({"kind": "majority", "values": [1.5], **SIZES}, {}),
        ({"kind": "boosted_trees", **SIZES}, {"booster.json": b"{}"}),
        ({"kind": "pickle", **SIZES}, {}),
        ({**SIZES}, {}),
    ],
    ids=[
        "no weights", "short weights", "other width", "no width", "no npz", "no rate", "no trees",
        "unknown kind", "no kind",
    ],
)  # fmt: skip
def test_a_spec_that_its_files_do_not_fit_is_refused(spec, files):
    with pytest.raises(ModelError) as refused:
        load_predictor(spec, files)

    assert refused.value.exit_code == 30


def test_an_unknown_kind_is_told_what_is_known():
    known = "cnn, graph, multimodal, logistic, linear, boosted_trees, majority, mean"
    with pytest.raises(ModelError, match=known):
        load_predictor({"kind": "lambda", **SIZES}, {})


def two_series(rows=50):
    """Series that are not in the order of their names, as a case may have them."""
    from lepton_spark.models.shape import Shape

    shape = Shape(2, (3,), {"series_b": (5, 3), "series_a": (5, 3)})
    random = np.random.default_rng(3)
    plain = block(rows).tensors
    made = {name: random.random((rows, *sizes)) for name, sizes in shape.series.items()}
    return shape, Block({**plain, **{name: each.astype(np.float32) for name, each in made.items()}})


def as_read(spec, shape):
    """A spec as it is read from a file, whose keys are sorted."""
    return json.loads(json.dumps({**spec, **shape.to_spec()}, sort_keys=True))


def test_a_linear_model_reads_series_in_the_order_in_which_it_was_fitted():
    shape, rows = two_series()
    slopes = np.linspace(-1, 1, 11)  # small ones: a sum far from zero is 1 in any order
    weights = {"coefficients": slopes[:, None], "intercepts": np.zeros(1)}
    spec = {"kind": "logistic"}

    found = load_predictor(as_read(spec, shape), {"weights.npz": pack(weights)}).predict(rows)

    fitted = dense(rows, shape) @ slopes[:8] + slopes[8:][rows.categories[:, 0]]
    assert found[:, 0] == pytest.approx(1 / (1 + np.exp(-fitted)), abs=1e-6)


@pytest.mark.tensorflow
def test_a_network_reads_series_in_the_order_in_which_it_was_trained():
    from lepton_spark.config.train import ModelSettings
    from lepton_spark.models import network

    shape, rows = two_series()
    settings = ModelSettings(kind="gru", hidden=(4,), embedding=2, series_units=4)
    model = network.build(settings, shape, seed=5)
    spec = {"kind": "gru", "settings": settings.model_dump(mode="json")}
    # In an order that no model asks for: weights are found by their names.
    weights = {each.path: each.numpy() for each in reversed(model.weights)}

    found = load_predictor(as_read(spec, shape), {"weights.npz": pack(weights)}).predict(rows)

    logits = np.asarray(model(dict(rows.tensors)))[:, 0].astype(float)
    assert found[:, 0] == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-6)
