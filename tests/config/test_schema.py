import json
from typing import Any

from lepton_spark.config.schema import case_schema, environment_schema


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


def test_every_key_of_an_environment_has_a_description():
    assert undescribed(json.loads(environment_schema())) == []


def test_keys_are_named_as_in_the_file():
    label = json.loads(case_schema())["$defs"]["Label"]["properties"]

    assert {"from", "is", "only_if", "name"} == set(label)
