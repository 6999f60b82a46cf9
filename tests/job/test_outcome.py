from __future__ import annotations

import io
import json
import os
from datetime import date

from lepton_spark.context import Published, StageResult
from lepton_spark.job.ending import DONE, Ending
from lepton_spark.job.outcome import Outcome, in_words, tell
from lepton_spark.job.request import Request

REQUEST = Request("score", "plant", date(2024, 1, 5))


def outcome(*, is_new: bool, ending: Ending = DONE) -> Outcome:
    result = StageResult("score", (Published("gold.x", 3, 10, is_new),), {"refused": 1})
    return Outcome(REQUEST, "r-1", ending, "score", 1.234, {REQUEST.as_of: [result]})


def told(given: Outcome) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    code = tell(given, stdout=stdout, stderr=stderr, before="words\n")
    return code, stdout.getvalue(), stderr.getvalue()


def test_the_last_line_is_the_summary():
    code, stdout, _ = told(outcome(is_new=True))

    summary = json.loads(stdout.splitlines()[-1])
    assert code == summary["exit_code"] == 0
    assert summary["status"] == "done"
    assert summary["as_of"] == "2024-01-05"
    assert summary["stages"][0]["tables"][0]["version"] == 3
    assert stdout.startswith("words\n")


def test_nothing_new_is_said():
    assert outcome(is_new=False).status == "already_done"


def test_a_failure_names_code_and_stage():
    code, stdout, stderr = told(outcome(is_new=True, ending=Ending("failed", 20, "LS-2001", "why")))

    summary = json.loads(stdout.splitlines()[-1])
    assert (code, summary["code"], summary["stage"]) == (20, "LS-2001", "score")
    assert stderr == "why\n"


def test_a_reader_that_has_gone_is_no_error():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stdout:
        assert tell(outcome(is_new=True), stdout=stdout, stderr=io.StringIO()) == 0


def test_a_stage_is_told_in_one_line():
    assert in_words(outcome(is_new=True).nights[REQUEST.as_of][0]) == "10 rows in gold.x"
    assert "already there" in in_words(outcome(is_new=False).nights[REQUEST.as_of][0])
    assert in_words(StageResult("train")) == "done"


def test_a_failure_of_a_later_night_keeps_the_nights_before_and_names_its_own():
    before = outcome(is_new=True).nights
    nights = {**before, date(2024, 1, 6): [StageResult("land")], date(2024, 1, 7): []}
    failed = Outcome(REQUEST, "r-1", Ending("failed", 20, "LS-2001", "why"), "land", 1.0, nights)

    summary = failed.summary()

    assert (summary["stage"], summary["stage_as_of"]) == ("land", "2024-01-07")
    assert [each["as_of"] for each in summary["stages"]] == ["2024-01-05", "2024-01-06"]
