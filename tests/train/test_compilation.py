from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from lepton_spark.models.shape import Shape
from lepton_spark.models.weights import unpack
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import fit_network
from tests.train.machine import Machine
from tests.train.planted import job_on, rows_of

pytestmark = pytest.mark.tensorflow
IMAGE, GRAPH = {"i": (28, 28, 1)}, {"g": (30, 4, 60)}
SERIES = {"s": (48, 12)}


@pytest.fixture
def compilation():
    return import_module("lepton_spark.train.compilation")  # TensorFlow loads only where it is run


@pytest.mark.parametrize(
    ("wanted", "shape", "is_compiled"),
    [
        ("auto", {}, True),
        ("auto", {"series": SERIES}, True),
        ("auto", {"images": IMAGE}, False),
        ("auto", {"graphs": GRAPH}, False),
        (True, {"graphs": GRAPH}, True),
        (False, {}, False),
    ],
)
def test_gradients_are_compiled_where_it_is_faster(compilation, wanted, shape, is_compiled):
    found = compilation.is_jit_compiled(wanted, Shape(40, (), **shape))

    assert found == is_compiled


def test_on_a_gpu_only_who_asks_compiles(compilation, monkeypatch):
    monkeypatch.setattr(compilation.tf, "config", Machine("a"))

    assert not compilation.is_jit_compiled("auto", Shape(40, ()))
    assert compilation.is_jit_compiled(wanted=True, shape=Shape(40, ()))


def test_a_rank_for_which_no_gpu_is_left_compiles_as_on_any_processor(compilation, monkeypatch):
    machine = Machine("a")
    machine.set_visible_devices([], "GPU")
    monkeypatch.setattr(compilation.tf, "config", machine)

    assert compilation.is_jit_compiled("auto", Shape(40, ()))


def test_compiled_gradients_give_the_same_weights_but_for_rounding(tmp_path):
    compiled, plain = (fitted_on(tmp_path / str(wanted), wanted) for wanted in (True, False))

    assert compiled.weights_digest != plain.weights_digest  # else nothing was compiled
    expected = unpack(plain.weights)
    for name, weights in unpack(compiled.weights).items():
        np.testing.assert_allclose(weights, expected[name], atol=1e-4)


def fitted_on(folder, wanted):
    """Without dropout: XLA draws other numbers."""
    job = job_on(rows_of(2000), folder, jit_compile=wanted)
    without = job.model.model_copy(update={"dropout": 0.0})
    return fit_network(LocalBackend(), replace(job, model=without), 1)
