"""Entities that fit their sources, and each way in which they do not."""

from __future__ import annotations

import copy

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.errors import ConfigError
from tests.config.conftest import COLUMNS

PERSON = {
    "from": {
        "orders": {"trust": 1, "columns": {"place": "store", "no": "order_no"}},
        "returns": {"columns": {"place": "store", "no": "order_no"}},
    },
    "match": {"place": {"jaro_winkler": [0.9, 0.8]}, "no": {"exact": True}},
    "block": ["place", "no"],
    "keep": {"place": "trust", "no": "recency"},
}


def with_person(case, change=None):
    person = copy.deepcopy(PERSON)
    if change is not None:
        change(person)
    case["entities"] = {"buyers": person}


def refused(conf, change):
    conf.write_case(lambda case: with_person(case, change))
    with pytest.raises(ConfigError) as raised:
        load_all(conf.folder, "shop", "local")
    assert "cases/shop.yml:" in raised.value.what
    return raised.value


def test_an_entity_may_be_used_like_a_source(conf):
    def change(case):
        with_person(case)
        on = {"on": ["store"], "within": "7 days", "take": ["no"]}
        case["features"]["latest"]["buyers"] = on
        case["entities"]["buyers"]["keep"]["store"] = "trust"

    conf.write_case(change)
    case = load_all(conf.folder, "shop", "local").case

    assert case.key_of("buyers") == ("buyers_id",)
    assert case.key_of("orders") == ("order_no",)
    assert case.entities["buyers"].links == "link_only"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: p["from"].update(order={}), "LS-1019"),
        (lambda p: p["from"]["orders"]["columns"].update(place="shop"), "LS-1018"),
        (lambda p: p["keep"].update(amount="trust"), "LS-1018"),
        (lambda p: p["from"]["returns"]["columns"].update(no="store"), "LS-1033"),
        (lambda p: p["match"].update(no={"jaccard": [0.5]}), "LS-1033"),
        (lambda p: p["from"]["orders"]["columns"].update(town="store"), "LS-1079"),
        (lambda p: p.update(block=["place", "left(place, 2)"]), "LS-1078"),
        (lambda p: p.update(block=["place", "no", "town"]), "LS-1032"),
        (lambda p: p.update(block=["place", "no", "rand()"]), "LS-1031"),
        (lambda p: p["match"].update(no={"exact": True, "difference": [1]}), "LS-1006"),
        (lambda p: p["match"].update(place={"jaro_winkler": [0.8, 0.9]}), "LS-1006"),
        (lambda p: p["match"].update(no={"difference": [2, 1]}), "LS-1006"),
        (lambda p: p.update(link_type="dedupe_only"), "LS-1006"),
        (lambda p: p.update(link_type="link_and_dedupe", one_to_one=True), "LS-1006"),
        (lambda p: p.update(threshold=1.0), "LS-1007"),
        (lambda p: p["keep"].update(place="newest"), "LS-1006"),
        (lambda p: p.update(blocks=["place"]), "LS-1004"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(conf, change, code):
    assert refused(conf, change).code == code


def test_the_nearest_name_is_told(conf):
    error = refused(conf, lambda person: person["from"].update(order={}))

    assert "orders" in error.fix


@pytest.mark.parametrize("name", ["orders", "ORDERS"])
def test_an_entity_does_not_take_the_table_of_a_source(conf, name):
    conf.write_case(lambda case: case.update(entities={name: PERSON}))

    with pytest.raises(ConfigError) as raised:
        load_all(conf.folder, "shop", "local")
    assert raised.value.code == "LS-1077"


def test_the_id_of_an_entity_is_a_name_of_its_own(conf):
    def change(person):
        person["keep"]["buyers_id"] = "trust"
        for source in person["from"].values():
            source["columns"]["buyers_id"] = "order_no"

    assert refused(conf, change).code == "LS-1077"


@pytest.mark.parametrize("made", ["c_place", "C_PLACE", "block_0", "Block_1"])
def test_a_column_is_not_called_as_one_that_is_made_to_compare(conf, made):
    def change(person):
        person["keep"][made] = "trust"
        for source in person["from"].values():
            source["columns"][made] = "store"

    error = refused(conf, change)

    assert (error.code, made in error.what) == ("LS-1077", True)


def test_columns_that_differ_in_case_only_are_refused(conf):
    def change(person):
        person["keep"]["Place"] = "trust"
        for source in person["from"].values():
            source["columns"]["Place"] = "store"

    error = refused(conf, change)

    assert (error.code, "place and Place" in error.what) == ("LS-1077", True)


def test_a_name_that_is_only_like_one_that_is_made_is_free(conf):
    def change(person):
        person["keep"] |= {"c_town": "trust", "block_2": "trust", "c_no_1": "trust"}
        for source in person["from"].values():
            source["columns"] |= {"c_town": "store", "block_2": "store", "c_no_1": "store"}

    conf.write_case(lambda case: with_person(case, change))
    load_all(conf.folder, "shop", "local")


def test_the_day_of_an_entity_is_one_that_its_sources_require(conf):
    def change(case):
        with_person(case)
        del case["predict"]["label"], case["predict"]["split"], case["gate"]
        case["predict"] |= {"each": "buyers", "day": "seen"}
        case["features"] = {"own": ["place"]}
        case["sources"]["returns"]["derive"] = {"day": "cast(returned_at as date)"}
        buyers = case["entities"]["buyers"]
        buyers["keep"]["seen"] = "recency"
        for source in buyers["from"].values():
            source["columns"]["seen"] = "day"

    conf.write_case(change)
    load_all(conf.folder, "shop", "local")
    optional = [
        {**each, "required": each["required"] and each["name"] != "day"}
        for each in ({"required": False, **each} for each in COLUMNS["orders"])
    ]
    conf.write_contract("orders", optional)
    with pytest.raises(ConfigError) as raised:
        load_all(conf.folder, "shop", "local")
    assert raised.value.code == "LS-1094"


def test_a_personal_value_stays_personal_in_an_entity(conf):
    def change(case):
        only = {
            "from": {"orders": {}},
            "match": {"email": {"exact": True}, "store": {"exact": True}},
            "block": ["email", "store"],
            "keep": {"email": "trust", "store": "trust"},
        }
        case["entities"] = {"buyers": only}
        on = {"on": ["store"], "within": "7 days", "take": ["email"]}
        case["features"]["latest"] = {"buyers": on}

    conf.write_case(change)
    with pytest.raises(ConfigError) as raised:
        load_all(conf.folder, "shop", "local")
    assert raised.value.code == "LS-1041"
