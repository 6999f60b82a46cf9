"""Which source is refined before which."""

from __future__ import annotations

from lepton_spark.silver.order import groups


def test_sources_that_need_nothing_are_refined_together():
    assert groups({"b": (), "a": ()}) == [["b", "a"]]


def test_a_reference_comes_before_those_that_need_it():
    needs = {"orders": ["shops"], "shops": ["towns"], "towns": []}

    assert groups(needs) == [["towns"], ["shops"], ["orders"]]


def test_what_nobody_needs_waits_for_the_last_group():
    needs = {"towns": [], "weather": [], "orders": ["towns"]}

    assert groups(needs) == [["towns"], ["weather", "orders"]]
