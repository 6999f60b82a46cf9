"""Prints the answer of a command that runs no stage."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from lepton_spark.job.outcome import write


def say(facts: Mapping[str, Any], before: str = "") -> int:
    """Write text for people and one JSON line to stdout.

    Args:
        facts: The summary; holds `exit_code`.
        before: The text, empty or ending in a line feed.

    Returns:
        The exit code.
    """
    write(sys.stdout, before + json.dumps(facts, default=str) + "\n")
    return int(facts["exit_code"])
