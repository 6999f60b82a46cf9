"""Settings by their dotted names, as a search changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from lepton_spark.config.document import Document, refuse
from lepton_spark.config.nearest import nearest
from lepton_spark.config.validation import field_at, settings_at, validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

    from lepton_spark.config.case import Case

SECTIONS = ("transform", "model", "train")


def with_settings(case: Case, values: Mapping[str, JsonValue], *, place: str = "search") -> Case:
    """The case with some settings changed; what spans several sections is not checked.

    Args:
        case: Stays as it is.
        values: By dotted name, below one of `SECTIONS`.
        place: Named by errors.

    Raises:
        ConfigError: There is no such setting, or it cannot have the value.
    """
    sections: dict[str, Any] = {}
    for name, value in values.items():
        section, *keys = name.split(".")
        if section not in SECTIONS or not keys:
            refuse(
                place,
                f"{name[:80]} is no setting that is searched",
                f"a search changes settings of {', '.join(SECTIONS)}",
                nearest(name, [f"{section}." for section in SECTIONS]),
                code="LS-1130",
            )
        settings = getattr(case, section)
        dumped = sections.setdefault(section, settings.model_dump(mode="json", by_alias=True))
        _put(case, dumped, name, value, place)
    changed = {
        section: validate(Document(place, dumped), type(getattr(case, section)))
        for section, dumped in sections.items()
    }
    return case.model_copy(update=changed)


def number_kind(case: Case, name: str) -> Literal["whole", "any"] | None:
    """Whether a setting is a whole or any number; None where it is no number."""
    field = field_at(type(case), tuple(name.split(".")))
    parts = set() if field is None else set(_parts(field.annotation))
    if float in parts:
        return "any"
    return "whole" if int in parts else None


def _put(case: Case, values: dict[str, Any], name: str, value: JsonValue, place: str) -> None:
    """Set the value in place."""
    path = name.split(".")
    here: Any = values
    for key in path[1:-1]:
        here = here.get(key) if isinstance(here, dict) else None
    if not isinstance(here, dict) or field_at(type(case), tuple(path)) is None:
        parent = settings_at(type(case), tuple(path[:-1]))
        known = [] if parent is None or not isinstance(here, dict) else list(parent.model_fields)
        refuse(
            place,
            f"{name[:80]} leads to no setting of the case",
            "a search changes settings that the case has, named with dots; a list as a whole",
            nearest(path[-1], known),
            code="LS-1130",
        )
    here[path[-1]] = value


def _parts(annotation: Any) -> Iterator[Any]:
    """The types of a union, without lists of them."""
    yield annotation
    if getattr(annotation, "__origin__", None) not in (tuple, dict, Literal):
        for part in get_args(annotation):
            yield from _parts(part)
