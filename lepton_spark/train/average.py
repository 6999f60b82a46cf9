"""The mean of candidates that were fitted already, as a candidate of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lepton_spark.dataset.series import CHANNELS
from lepton_spark.models.predictor import WEIGHTS_FILES

if TYPE_CHECKING:
    from lepton_spark.dataset.series import Series
    from lepton_spark.dataset.transform import FeatureTransform
    from lepton_spark.train.bundle import Bundle

AVERAGE = "average"


def average_spec(members: Mapping[str, Bundle], transform: FeatureTransform) -> dict[str, Any]:
    """What `load_predictor` needs beside kind and sizes.

    Args:
        members: By name; their files do not have a name of weights in common.
        transform: Of the average; holds the columns of all members, with the same statistics.
    """
    return {"kind": AVERAGE, "members": [_member(each, transform) for each in members.values()]}


def weights_of(members: Mapping[str, Bundle]) -> dict[str, bytes]:
    """The weights of all members, by file name."""
    return {
        name: each.files[name]
        for each in members.values()
        for name in WEIGHTS_FILES[each.spec["kind"]]
    }


def _member(bundle: Bundle, transform: FeatureTransform) -> dict[str, Any]:
    own = bundle.transform
    categories = [column.name for column in transform.categories]
    return {
        "spec": bundle.spec,
        "numbers": [transform.outputs.index(name) for name in own.outputs],
        "categories": [categories.index(column.name) for column in own.categories],
        "series": {each.name: _channels(each, transform) for each in own.series},
    }


def _channels(own: Series, transform: FeatureTransform) -> list[int]:
    """Which channels of the average's series are those of a member: values, masks, gaps."""
    whole = next(each for each in transform.series if each.name == own.name)
    count = len(whole.variables)
    places = [whole.variables.index(variable) for variable in own.variables]
    return [kind * count + place for kind in range(CHANNELS) for place in places]
