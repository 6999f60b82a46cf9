"""Which source is refined before which."""

from __future__ import annotations

from lepton_spark.config.source import Source
from lepton_spark.silver.order import groups


def source(*looked_up):
    lookups = [{"from": name, "on": {"a": "id"}, "take": {f"x_{name}": "x"}} for name in looked_up]
    return Source.model_validate(
        {"path": "x.csv", "contract": "x", "key": ["id"], "lookup": lookups}
    )


def test_sources_without_lookups_are_refined_together():
    assert groups({"b": source(), "a": source()}) == [["b", "a"]]


def test_a_reference_comes_before_those_that_look_it_up():
    sources = {"orders": source("shops"), "shops": source("towns"), "towns": source()}

    assert groups(sources) == [["towns"], ["shops"], ["orders"]]


def test_what_nobody_looks_up_waits_for_the_last_group():
    sources = {"towns": source(), "weather": source(), "orders": source("towns")}

    assert groups(sources) == [["towns"], ["weather", "orders"]]
