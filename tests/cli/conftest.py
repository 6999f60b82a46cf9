"""Commands set up logging for their process; here each test gets it back as it was."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def logging_as_before():
    root, ours = logging.getLogger(), logging.getLogger("lepton_spark")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]
    for logger in (root, ours):
        logger.setLevel(logger.level)  # drops what was cached for the other level
