"""What follows from broken rules, by their severity."""

from __future__ import annotations

import pickle

import pytest

from lepton_spark.config.table_rules import Promise
from lepton_spark.errors import DataError
from lepton_spark.quality.finding import Finding, require_kept, warnings

STATE = "silver.tiny_visits is still at version 4"


def finding(number, severity="error", excess=1.0):
    rule = Promise(severity=severity, place="visits.odcs.yml:12:9")
    return Finding(f"LS-21{number:02}", f"thing {number} is wrong.", "so it is", rule, excess)


def test_a_warning_is_told_and_refuses_nothing(caplog):
    found = [finding(1, "warning")]

    require_kept(found, "visits", STATE)

    assert warnings(found) == ["LS-2101: thing 1 is wrong."]
    assert "visits: LS-2101: thing 1 is wrong." in caplog.text


def test_the_worst_is_told_first_with_its_place_and_the_next_ones():
    found = [finding(1), finding(2, excess=9.0), finding(3, "warning"), finding(4), finding(5)]

    with pytest.raises(DataError) as error:
        require_kept(found, "visits", STATE)

    assert error.value.code == "LS-2102"
    assert error.value.what == (
        "visits: thing 2 is wrong.\n  Also: thing 1 is wrong.\n  Also: thing 4 is wrong."
        "\n  and 1 more"
    )
    assert "the contract promises it at visits.odcs.yml:12:9" in error.value.why
    assert error.value.state == STATE
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)


def test_a_critical_one_comes_before_any_other():
    found = [finding(1, excess=99.0), finding(2, "critical")]

    with pytest.raises(DataError, match="visits: thing 2"):
        require_kept(found, "visits", STATE)
