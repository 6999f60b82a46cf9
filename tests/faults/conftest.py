"""Runs in processes of their own, on the JVM of the test."""

from __future__ import annotations

import pytest

from tests.faults.runs import Runs


@pytest.fixture(scope="module")
def runs(spark):
    started = Runs(spark)
    yield started
    started.end()
