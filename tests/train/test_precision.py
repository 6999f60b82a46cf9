from __future__ import annotations

from importlib import import_module

import pytest

from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import fit_network
from tests.train.machine import Machine
from tests.train.planted import job_on, rows_of

pytestmark = pytest.mark.tensorflow
ROWS = rows_of(4000)


@pytest.fixture
def precision():
    return import_module("lepton_spark.train.precision")  # TensorFlow loads only where it is run


@pytest.mark.parametrize(("has_units", "used"), [(True, "mixed_bfloat16"), (False, "float32")])
def test_16_bits_are_used_where_the_hardware_has_units_for_them(
    precision, monkeypatch, tmp_path, has_units, used
):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: has_units)
    job = job_on(ROWS, tmp_path, epochs=6, learning_rate=0.01, precision="mixed_bfloat16")

    fitted = fit_network(LocalBackend(), job, 1)

    assert fitted.precision == used
    assert fitted.history[-1]["validation_auc"] > 0.73


def test_layers_made_outside_compute_in_32_bits_again(precision):
    from lepton_spark.models.lean import keras

    with precision.computing_in("mixed_bfloat16"):
        inside = keras.layers.Dense(1)
    outside = keras.layers.Dense(1)

    assert (inside.compute_dtype, inside.variable_dtype) == ("bfloat16", "float32")
    assert outside.compute_dtype == "float32"


def test_one_rank_without_units_decides_for_all(precision, monkeypatch, caplog):
    class Three:
        rank, size = 0, 3

        def sum(self, values):
            return values + 1.0  # of the two others one has them

    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)

    assert precision.agreed_precision(Three(), "mixed_bfloat16") == "float32"
    assert "1 of 3 ranks have no units for bfloat16" in caplog.text


def test_the_processor_is_asked(precision, monkeypatch, tmp_path):
    facts = tmp_path / "cpuinfo"
    monkeypatch.setattr(precision, "_CPU_FACTS", facts)
    assert not precision.has_bfloat16()
    facts.write_text("flags : fpu avx512_bf16 amx_bf16 amx_tile\n")
    assert precision.has_bfloat16()
    facts.write_text("flags : fpu avx2\n")
    assert not precision.has_bfloat16()


@pytest.mark.parametrize(
    ("capability", "has_units"), [((7, 5), False), ((8, 0), True), ((9, 0), True), (None, False)]
)
def test_a_gpu_is_asked_for_its_compute_capability(precision, monkeypatch, capability, has_units):
    known = {"a": capability} if capability else {}
    monkeypatch.setattr(precision.tf, "config", Machine("a", capability=known))

    assert precision.has_bfloat16() == has_units


def test_a_rank_answers_for_the_device_it_uses_and_no_other(precision, monkeypatch, tmp_path):
    device = import_module("lepton_spark.train.device")
    (tmp_path / "cpuinfo").write_text("flags : fpu avx2\n")
    monkeypatch.setattr(precision, "_CPU_FACTS", tmp_path / "cpuinfo")
    monkeypatch.delenv("LEPTON_GPU", raising=False)

    def answer(rank):
        """Of a rank on a host with an old GPU and a new one."""
        machine = Machine("old", "new", capability={"old": (7, 0), "new": (9, 0)})
        monkeypatch.setattr(precision.tf, "config", machine)
        monkeypatch.setenv("HOROVOD_LOCAL_RANK", str(rank))
        return device.use_one_device(), precision.has_bfloat16()

    assert [answer(rank) for rank in range(3)] == [
        ("GPU 0", False),
        ("GPU 1", True),
        ("processor", False),
    ]
