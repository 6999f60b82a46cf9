"""What a model is given of each row, as its spec says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lepton_spark.dataset.transform import FeatureTransform


@dataclass(frozen=True)
class Shape:
    """The sizes of a model's inputs.

    Args:
        width: Number columns.
        cardinalities: Indices of each category column.
        series: Steps and channels of each series, by the name of its tensor.
    """

    width: int
    cardinalities: tuple[int, ...]
    series: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, transform: FeatureTransform) -> Shape:
        """Of the blocks that a transform makes."""
        series = {each.name: each.shape for each in transform.series}
        return cls(transform.width, transform.cardinalities, series)

    @classmethod
    def read(cls, spec: Mapping[str, Any]) -> Shape:
        """From `to_spec`.

        Raises:
            KeyError: A size is missing.
            TypeError: One is no number.
            ValueError: The same.
        """
        series = spec.get("series", {}).items()
        return cls(
            int(spec["width"]),
            tuple(int(size) for size in spec["cardinalities"]),
            {str(name): (int(steps), int(channels)) for name, (steps, channels) in series},
        )

    def to_spec(self) -> dict[str, Any]:
        """JSON-ready parts of a spec."""
        series = {name: list(sizes) for name, sizes in self.series.items()}
        found = {"width": self.width, "cardinalities": list(self.cardinalities)}
        return {**found, "series": series} if series else found
