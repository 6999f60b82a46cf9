"""What a model is given of each row, as its spec says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lepton_spark.dataset.transform import FeatureTransform

_KINDS = ("series", "images", "tokens", "graphs")


@dataclass(frozen=True)
class Shape:
    """The sizes of a model's inputs, those of one kind in the order of their names.

    Columns of a design matrix and layers of a network follow that order, so it must not depend on
    whether a shape comes from a transform or from a file.

    Args:
        width: Number columns.
        cardinalities: Indices of each category column.
        series: Steps and channels of each series, by the name of its tensor.
        images: Height, width and channels of each image, likewise.
        tokens: Length and cardinality of each text, likewise.
        graphs: Nodes, properties and edges of each graph, by what the names of its tensors begin
            with.
    """

    width: int
    cardinalities: tuple[int, ...]
    series: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    images: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    tokens: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    graphs: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in _KINDS:
            object.__setattr__(self, kind, dict(sorted(getattr(self, kind).items())))

    @classmethod
    def of(cls, transform: FeatureTransform) -> Shape:
        """Of the blocks that a transform makes."""
        series = {each.name: each.shape for each in transform.series}
        images = {each.tensor: each.shape for each in transform.images}
        tokens = {each.tensor: (each.length, each.cardinality) for each in transform.tokens}
        graphs = {each.tensor: each.shape for each in transform.graphs}
        return cls(transform.width, transform.cardinalities, series, images, tokens, graphs)

    @classmethod
    def read(cls, spec: Mapping[str, Any]) -> Shape:
        """From `to_spec`.

        Raises:
            KeyError: A size is missing.
            TypeError: One is no number.
            ValueError: The same.
        """
        series, images, tokens, graphs = (spec.get(kind, {}).items() for kind in _KINDS)
        return cls(
            int(spec["width"]),
            tuple(int(size) for size in spec["cardinalities"]),
            {str(name): (int(steps), int(channels)) for name, (steps, channels) in series},
            {str(name): (int(rows), int(pixels), int(c)) for name, (rows, pixels, c) in images},
            {str(name): (int(length), int(words)) for name, (length, words) in tokens},
            {str(name): (int(nodes), int(c), int(edges)) for name, (nodes, c, edges) in graphs},
        )

    def to_spec(self) -> dict[str, Any]:
        """JSON-ready parts of a spec."""
        found = {"width": self.width, "cardinalities": list(self.cardinalities)}
        others: dict[str, Mapping[str, tuple[int, ...]]]
        others = {kind: getattr(self, kind) for kind in _KINDS}
        return found | {
            kind: {name: list(sizes) for name, sizes in sized.items()}
            for kind, sized in others.items()
            if sized
        }
