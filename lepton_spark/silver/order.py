"""In which order sources become clean: a reference before those that look it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lepton_spark.config.source import Source


def groups(sources: Mapping[str, Source]) -> list[list[str]]:
    """Names of sources, in groups whose members do not depend on each other.

    Args:
        sources: By name; look-ups that form a circle are refused when the case is checked.

    Returns:
        Groups in the order to refine them. A source comes as late as it may, so that most are
        in the last group, side by side.
    """
    heights: dict[str, int] = dict.fromkeys(sources, 0)
    for _ in sources:
        for name, source in sources.items():
            for lookup in source.lookup:
                heights[lookup.source] = max(heights[lookup.source], heights[name] + 1)
    return [
        [name for name in sources if heights[name] == height]
        for height in sorted(set(heights.values()), reverse=True)
    ]
