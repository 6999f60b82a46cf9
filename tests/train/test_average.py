"""An average says which of its inputs are those of each member."""

from __future__ import annotations

from lepton_spark.dataset.series import Names, Series, Variable
from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.models.shape import Shape
from lepton_spark.train.average import average_spec
from lepton_spark.train.bundle import Bundle, to_json


def variable(name):
    return Variable(Names(name, f"{name}_mask", f"{name}_gap"), -3.0, 3.0, 0.0, 1.0)


def member(transform):
    spec = {"kind": "gru", **Shape.of(transform).to_spec()}
    return Bundle({"spec.json": to_json(spec), "transform.json": transform.to_json().encode()})


def test_a_member_without_a_variable_names_the_channels_that_are_left():
    series = Series("series_a", 4, (variable("rain"), variable("wind"), variable("sun")))
    whole = FeatureTransform((), (), "0" * 64, 10, series=(series,))

    spec = average_spec(
        {
            "all": member(whole),
            "few": member(whole.without(["wind"])),
            "none": member(whole.without(["rain", "wind", "sun"])),
        },
        whole,
    )

    assert [each["series"] for each in spec["members"]] == [
        {"series_a": list(range(9))},
        {"series_a": [0, 2, 3, 5, 6, 8]},
        {},
    ]
