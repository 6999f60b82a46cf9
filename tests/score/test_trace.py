from __future__ import annotations

import pytest

from lepton_spark.errors import DataError, UsageError
from lepton_spark.score.trace import trace
from tests.score.conftest import DAY, FEATURES

pytestmark = pytest.mark.spark


def test_a_score_is_found_and_computed_again(scored):
    facts = trace(scored.context(), "site=A,visit=2").facts

    assert facts["score"] == facts["recomputed"]
    assert facts["difference"] == 0
    assert (facts["_file"], facts["_row"], facts["as_of"]) == ("visits/2024-02-29.csv", 3, str(DAY))
    assert facts["input gold.clinic_features"] == "version 0"
    assert facts["model_version"] == "1"


def test_features_that_came_later_are_not_used(scored):
    scored.features([("A", 3, DAY, 1000)])

    assert trace(scored.context(), "A,2").facts["input gold.clinic_features"] == "version 0"


def test_a_refused_row_says_why(scored):
    facts = trace(scored.context(), "site=B").facts

    assert (facts["status"], facts["reason"]) == ("refused", "not_int:visit")
    assert "recomputed" not in facts


def test_a_key_that_is_not_there_names_the_nearest_day(scored):
    with pytest.raises(DataError, match="hold no row with this key; no other day has one"):
        trace(scored.context(), "site=Z")
    with pytest.raises(DataError, match=r"no predictions of 2024-03-02 .* is 2024-02-29"):
        trace(scored.context("2024-03-02"), "site=A,visit=1")


def test_a_key_of_several_rows_is_refused(scored):
    with pytest.raises(UsageError, match="several rows"):
        trace(scored.context(), "site=A")


def test_a_value_of_another_type_matches_nothing(scored):
    with pytest.raises(DataError):
        trace(scored.context(), "site=A,visit=two")


def test_tables_are_only_read(scored):
    from lepton_spark.lake import tables

    before = tables.current_version(scored.context(), FEATURES)
    trace(scored.context(), "A,1")
    assert tables.current_version(scored.context(), FEATURES) == before
