"""In which order sources become clean: a reference before those that need it."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def groups(needs: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Names of sources, in groups whose members do not depend on each other.

    Args:
        needs: Each source and those that must be clean before it; circles are refused when the
            case is checked.

    Returns:
        Groups in the order to refine them. A source comes as late as it may, so that most are
        in the last group, side by side.
    """
    heights: dict[str, int] = dict.fromkeys(needs, 0)
    for _ in needs:
        for name, others in needs.items():
            for other in others:
                heights[other] = max(heights[other], heights[name] + 1)
    return [
        [name for name in needs if heights[name] == height]
        for height in sorted(set(heights.values()), reverse=True)
    ]
