"""Which tables are measured, and what may be told of their columns."""

from __future__ import annotations

import pytest

from lepton_spark.config.case import Case
from lepton_spark.config.contract import Column, Contract
from lepton_spark.errors import ConfigError, DataError
from lepton_spark.lake.catalog import TableId
from lepton_spark.quality.profile.kind import Kind
from lepton_spark.statistics.subject import MOST_CORRELATED, chosen, correlated, kinds_of
from tests.conftest import TINY_CASE

VISITS, FEATURES = TableId("silver", "tiny_visits"), TableId("gold", "tiny_features")
CONTRACTS = {
    "visits": Contract(
        "visits",
        (
            Column("visit", "integer"),
            Column("patient", "string", classification="pii"),
            Column("minutes", "integer"),
            Column("day", "date"),
            Column("shop", "string"),
        ),
    )
}


def case(**visits):
    source = {**TINY_CASE["sources"]["visits"], **visits}
    return Case.model_validate({**TINY_CASE, "sources": {"visits": source}})


def test_a_table_is_named_by_its_source_or_in_full_and_taken_once():
    assert chosen(case(), []) == [VISITS]
    assert chosen(case(), ["gold.tiny_features", "visits", "silver.tiny_visits"]) == [
        FEATURES,
        VISITS,
    ]


def test_an_unknown_table_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="visits") as refused:
        chosen(case(), ["visit"])

    assert refused.value.code == "LS-1075"


def test_of_personal_columns_and_what_is_made_of_them_only_counts_are_wanted():
    types = {"visit": "int", "patient": "string", "initial": "string", "minutes": "int"}
    derived = case(derive={"initial": "substring(patient, 1, 1)"})

    kinds = kinds_of(derived, CONTRACTS, VISITS, {**types, "_file": "string"})

    assert kinds == {
        "visit": Kind.NUMBER, "patient": Kind.GUARDED, "initial": Kind.GUARDED,
        "minutes": Kind.NUMBER,
    }  # fmt: skip
    assert correlated(kinds) == ("visit", "minutes")


def test_a_column_that_the_case_does_not_know_may_be_anything():
    kinds = kinds_of(case(), CONTRACTS, VISITS, {"visit": "int", "of_an_older_contract": "string"})

    assert kinds["of_an_older_contract"] is Kind.GUARDED


def test_too_many_columns_are_refused_and_too_many_numbers_not_correlated():
    with pytest.raises(DataError, match="2001 columns"):
        kinds_of(case(), CONTRACTS, FEATURES, {f"x{n}": "double" for n in range(2001)})
    many = {f"x{n}": Kind.NUMBER for n in range(MOST_CORRELATED + 1)}
    assert correlated(many) == ()
    assert len(correlated(dict(list(many.items())[1:]))) == MOST_CORRELATED
    assert correlated({"x": Kind.NUMBER, "y": Kind.TEXT}) == ()
