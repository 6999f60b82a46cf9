"""Carries out what a command was asked to do, and prints its answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lepton_spark.job.outcome import Outcome, tell, write
from lepton_spark.job.run import execute

if TYPE_CHECKING:
    from lepton_spark.job.request import Request
    from lepton_spark.job.run import Work


def carry_out(
    request: Request, work: Work, words: Callable[[Outcome], str], *, is_json: bool
) -> int:
    """Run stages, and tell how that ended.

    Args:
        request: Which case and environment, as of when.
        work: Gives the results of each logical date.
        words: Text for people before the summary, empty or ending in a line feed.
        is_json: Whether the text is left out.

    Returns:
        The exit code.
    """
    outcome = execute(request, work)
    before = "" if is_json else words(outcome)
    return tell(outcome, stdout=sys.stdout, stderr=sys.stderr, before=before)


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
