"""Settings given on the command line: `--set train.epochs=3`."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_spark.config.document import Document, KeyPath, parse_value, refuse
from lepton_spark.config.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# Spark's own property names hold dots: all that follows is one key.
_PROPERTIES = ("spark", "conf")
# On a command line nothing is a comment: in a file the rest of such a value would be one.
_HASHED = re.compile(r"\s*#.*|\s*[^\s\"'\[{].*\s#.*", re.DOTALL)
# These say which file is meant, so another value could only contradict it.
_FIXED = frozenset({"case", "name", "version"})


@dataclass(frozen=True)
class Override:
    """One setting from the command line."""

    path: KeyPath
    value: Any
    shown_as: str


def parse_overrides(texts: Sequence[str], known: Collection[str]) -> list[Override]:
    """Read `key.path=value` texts; values follow the rules of a file.

    Args:
        texts: As given after `--set`.
        known: Every key that may come first, of case and environment.

    Raises:
        ConfigError: No `=`, an unknown first key, or a value that is not strict YAML.
    """
    return [_parse(text, known) for text in texts]


def apply_overrides(document: Document, overrides: Sequence[Override]) -> Document:
    """Give a document with some values replaced or added; the given one stays as it is.

    Raises:
        ConfigError: A path leads through a plain value or past the end of a list.
    """
    values = copy.deepcopy(document.values)
    places = dict(document.places)
    for override in overrides:
        _put(values, override)
        places = {
            path: place
            for path, place in places.items()
            if path[: len(override.path)] != override.path
        }
        places[override.path] = override.shown_as
    return Document(document.path, values, places)


def _parse(text: str, known: Collection[str]) -> Override:
    key, equals, value = text.partition("=")
    shown_as = f"--set {key[:80]}"
    if not equals or not key or not all(key.split(".")):
        refuse(
            shown_as,
            "the override is not KEY=VALUE",
            "a setting is named by the keys that lead to it, with dots between",
            "write --set train.epochs=3",
            code="LS-1017",
        )
    parts = key.split(".")
    if parts[0] not in known or parts[0] in _FIXED:
        refuse(
            shown_as,
            f"{parts[0][:80]} is not a setting that can be overridden",
            "an unknown key would be silently without effect",
            nearest(parts[0], set(known) - _FIXED),
            code="LS-1004",
        )
    # A property of Spark is text, also where it looks like a number.
    is_text = key.startswith(".".join(_PROPERTIES) + ".")
    if is_text:
        parts = [*_PROPERTIES, ".".join(parts[len(_PROPERTIES) :])]
    is_text = is_text or _HASHED.fullmatch(value) is not None
    parsed = value if is_text else parse_value(value, shown_as=shown_as)
    return Override(
        tuple(int(part) if part.isdecimal() else part for part in parts), parsed, shown_as
    )


def _put(values: Any, override: Override) -> None:
    here = values
    for part in override.path[:-1]:
        here = _step(here, part, override)
    last = override.path[-1]
    if isinstance(here, dict):
        here[str(last)] = override.value
    elif _is_index(here, last):
        here[last] = override.value
    else:
        _lead_nowhere(override, last)


def _step(here: Any, part: str | int, override: Override) -> Any:
    if isinstance(here, dict):
        if here.get(str(part)) is None:
            here[str(part)] = {}
        return here[str(part)]
    if not _is_index(here, part):
        _lead_nowhere(override, part)
    return here[part]


def _is_index(here: Any, part: str | int) -> bool:
    return isinstance(here, list) and isinstance(part, int) and part < len(here)


def _lead_nowhere(override: Override, part: str | int) -> None:
    refuse(
        override.shown_as,
        f"the path leads nowhere at {part}",
        "a list is entered by the number of an item that is there, and a plain value not at all",
        "look at the file for the keys that lead to the setting",
        code="LS-1017",
    )
