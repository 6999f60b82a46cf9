"""Settings given on the command line: `--set train.epochs=3`."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from lepton_spark.config.document import Document, KeyPath, parse_value, refuse
from lepton_spark.config.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# Spark's own property names hold dots: all that follows is one key.
_PROPERTIES = ("spark", "conf")
# On a command line nothing is a comment: in a file the rest of such a value would be one.
_HASHED = re.compile(r"\s*#.*|\s*[^\s\"'\[{].*\s#.*", re.DOTALL)
_INDEX = re.compile(r"[0-9]{1,9}")
# These say which file is meant, so another value could only contradict it.
_FIXED = frozenset({"case", "name", "version"})


@dataclass(frozen=True)
class Override:
    """One setting from the command line.

    Args:
        path: The keys that lead to it, as written; what is a number in a list is said there.
    """

    path: tuple[str, ...]
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
        put = _put(values, override)
        places = {path: place for path, place in places.items() if path[: len(put)] != put}
        places[put] = override.shown_as
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
    return Override(tuple(parts), parsed, shown_as)


def _put(values: Any, override: Override) -> KeyPath:
    """Set the value in place, and give the path to it: numbers where it enters a list."""
    here = values
    path: list[str | int] = []
    for name in override.path[:-1]:
        path.append(_key(here, name, override))
        if isinstance(here, dict) and here.get(name) is None:
            here[name] = {}
        here = here[path[-1]]
    path.append(_key(here, override.path[-1], override))
    here[path[-1]] = override.value
    return tuple(path)


def _key(here: Any, name: str, override: Override) -> str | int:
    """What a part of a path means where it has led to."""
    if isinstance(here, dict):
        return name
    is_index = isinstance(here, list) and _INDEX.fullmatch(name) and int(name) < len(here)
    if not is_index:
        _lead_nowhere(override, name)
    return int(name)


def _lead_nowhere(override: Override, part: str) -> NoReturn:
    refuse(
        override.shown_as,
        f"the path leads nowhere at {part[:80]}",
        "a list is entered by the number of an item that is there, and a plain value not at all",
        "look at the file for the keys that lead to the setting",
        code="LS-1017",
    )
