from __future__ import annotations

from importlib import import_module

import pytest

from tests.train.machine import Machine

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def use(monkeypatch):
    device = import_module("lepton_spark.train.device")  # TensorFlow loads only where it is run
    for name in ("LEPTON_GPU", "HOROVOD_LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)

    def on(machine, **environment):
        monkeypatch.setattr(device.tf, "config", machine)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return device.use_one_device()

    return on


def test_the_gpu_that_spark_gave_is_the_only_one_that_is_seen(use):
    machine = Machine("its own")

    assert use(machine, LEPTON_GPU="3", HOROVOD_LOCAL_RANK="1") == "GPU 3"
    assert machine.visible == machine.growing == ["its own"]


def test_else_each_rank_of_a_host_takes_its_own(use):
    machine = Machine("a", "b")

    assert use(machine, HOROVOD_LOCAL_RANK="1") == "GPU 1"
    assert machine.visible == machine.growing == ["b"]


def test_a_rank_without_a_gpu_computes_on_the_processor(use):
    machine = Machine("a", "b")

    assert use(machine, HOROVOD_LOCAL_RANK="2") == "processor"
    assert machine.visible == machine.growing == []
    assert use(Machine()) == "processor"
