import json
import re
from typing import Any

from lepton_spark.config.schema import case_schema
from lepton_spark.config.sql_functions import FUNCTIONS


def definitions_of(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A field together with what it refers to; its own words go first."""
    name = field.get("$ref", "").rpartition("/")[2]
    return {**schema.get("$defs", {}).get(name, {}), **field}


def undescribed(schema: dict[str, Any]) -> list[str]:
    """Keys of every object in a schema that have no description."""
    objects = {"": schema, **schema.get("$defs", {})}
    return [
        f"{owner}.{key}"
        for owner, definition in objects.items()
        for key, field in definition.get("properties", {}).items()
        if "description" not in definitions_of(field, schema)
    ]


def test_every_key_of_a_case_has_a_description():
    assert undescribed(json.loads(case_schema())) == []


def test_keys_are_named_as_in_the_file():
    label = json.loads(case_schema())["$defs"]["Label"]["properties"]

    assert {"from", "is", "class", "classes", "value", "only_if", "name"} == set(label)


def test_a_length_of_time_is_asked_for_as_it_is_read():
    text = case_schema()

    assert '"format": "duration"' not in text
    gap = json.loads(text)["$defs"]["Sessions"]["properties"]["gap"]
    assert re.search(gap["pattern"], "30 minutes")
    within = json.loads(text)["$defs"]["Latest"]["properties"]["within"]
    assert re.search(within["pattern"], "90 days")
    assert within["description"]


def test_an_expression_is_described_in_one_place_with_all_its_functions():
    schema = json.loads(case_schema())
    expression = schema["$defs"]["SqlExpression"]

    assert set(FUNCTIONS) <= set(re.findall(r"\w+", expression["description"]))
    derive = schema["$defs"]["Source"]["properties"]["derive"]["patternProperties"]
    assert [*derive.values()] == [{"$ref": "#/$defs/SqlExpression"}]
    assert case_schema().count(expression["description"]) == 1


def test_the_description_of_a_clock_says_what_short_ones_mean():
    clock = json.loads(case_schema())["$defs"]["LocalTime"]["properties"]["clock"]

    assert "05:17:00; 5 is 00:05" in clock["description"]
