"""Each promise by a few trials, and its control, which must not keep it."""

from __future__ import annotations

import os

import pytest

from tests.promises.catalogue import PROMISES
from tests.promises.lab import Lab

pytestmark = [pytest.mark.spark, pytest.mark.fault, pytest.mark.timeout(900)]
each_promise = pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)


@pytest.fixture
def lab(spark, tmp_path):
    return Lab(spark, tmp_path)


@each_promise
def test_no_trial_fails(lab, promise):
    if promise.name == "P29" and not os.environ.get("LEPTON_ALL_PROMISES"):
        pytest.skip("each trial starts a JVM: set LEPTON_ALL_PROMISES=1, or run make promises")
    assert promise.trials(lab, promise.short) == []


@each_promise
def test_without_its_guard_a_trial_fails(lab, promise):
    if promise.is_long and not os.environ.get("LEPTON_ALL_PROMISES"):
        pytest.skip("it takes a minute: set LEPTON_ALL_PROMISES=1, or run make promises")
    assert promise.control(lab) != []
