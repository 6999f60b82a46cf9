"""The columns that features.own stands for: each by its name, or many by a pattern."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from lepton_spark.config.columns import dotted
from lepton_spark.config.document import refuse
from lepton_spark.config.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lepton_spark.config.case import Case
    from lepton_spark.config.columns import Where
    from lepton_spark.config.document import KeyPath

_OWN: KeyPath = ("features", "own")


def with_own_columns(case: Case, columns: Iterable[str], where: Where) -> tuple[Case, Where]:
    """A case whose features.own names columns only, and where each of them was written.

    Args:
        case: Its own features may hold patterns, in which * stands for any text.
        columns: Of the predicted source, in the order of its clean table.
        where: Says where in the files a key path was written.

    Returns:
        The case, with what a pattern matches in its place, but for columns that are there before
        it; and `where`, for key paths of the new list.

    Raises:
        ConfigError: A pattern matches no column.
    """
    known, own, written = list(columns), case.features.own, [*range(len(case.features.own))]
    if any("*" in name for name in own):
        own, written = _matched(case, known, where)
    features = case.features.model_copy(update={"own": own})

    def where_written(path: KeyPath) -> str:
        """Where the name or the pattern was written that a key path is of."""
        if path[:2] == _OWN and len(path) > len(_OWN):
            return where((*_OWN, written[int(path[2])]))
        return where(path)

    return case.model_copy(update={"features": features}), where_written


def _matched(case: Case, known: list[str], where: Where) -> tuple[tuple[str, ...], list[int]]:
    """The names, and the place in the written list that each is from."""
    found: list[tuple[str, int]] = []
    for index, name in enumerate(case.features.own):
        if "*" not in name:
            found.append((name, index))
            continue
        matches = [column for column in known if fnmatchcase(column, name)]
        if not matches:
            path: KeyPath = (*_OWN, index)
            refuse(
                where(path),
                f"{dotted(path)} is {name}, which matches no column of {case.predict.each}",
                "a pattern stands for columns of the predicted source, upper and lower case apart",
                nearest(name.replace("*", ""), known),
                code="LS-1018",
            )
        taken = {column for column, _ in found}
        found += [(column, index) for column in matches if column not in taken]
    return tuple(name for name, _ in found), [index for _, index in found]
