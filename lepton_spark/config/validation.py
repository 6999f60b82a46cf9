"""Turn a document into frozen settings, and pydantic's errors into ones with a place and a fix."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from lepton_spark.config.model import IDENTIFIER
from lepton_spark.config.nearest import nearest
from lepton_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from lepton_spark.config.document import Document, KeyPath

Model = TypeVar("Model", bound=BaseModel)

MAX_SHOWN = 5
_CODES = {"extra_forbidden": "LS-1004", "missing": "LS-1008"}
_BOUNDS = {
    "greater_than": "LS-1007",
    "greater_than_equal": "LS-1007",
    "less_than": "LS-1007",
    "less_than_equal": "LS-1007",
    "finite_number": "LS-1007",
}


def validate(document: Document, model: type[Model]) -> Model:
    """Give the settings that a document spells out.

    Raises:
        ConfigError: An unknown or missing key, a wrong type or a value out of range; up to
            five problems at once, without the values.
    """
    try:
        # As JSON, since there strict still reads a date from text, but no number from text.
        return model.model_validate_json(json.dumps(document.values), strict=True)
    except ValidationError as error:
        refuse_invalid(error, document, model)


def refuse_invalid(error: ValidationError, document: Document, model: type[BaseModel]) -> NoReturn:
    """Raise a `ConfigError` that tells the first problems of a failed validation.

    Raises:
        ConfigError: Always.
    """
    details = error.errors(include_url=False, include_input=False)
    problems = [_Problem(item, document, model) for item in details]
    first = problems[0]
    others = "".join(f"\n    also {problem.what}" for problem in problems[1:MAX_SHOWN])
    hidden = len(problems) - MAX_SHOWN
    if hidden > 0:
        others += f"\n    and {hidden} more"
    raise ConfigError(first.code, first.what + others, first.why, first.fix) from None


class _Problem:
    """One of pydantic's errors in our words."""

    def __init__(self, item: ErrorDetails, document: Document, model: type[BaseModel]) -> None:
        self.kind = item["type"]
        self.path = _real_path(item["loc"], document.values)
        self.message = item["msg"]
        self.parent = settings_at(model, self.path[:-1])
        self.where = document.place_of(self.path)
        self.key = ".".join(str(part) for part in self.path)
        self.is_no_name = item.get("ctx", {}).get("pattern") == IDENTIFIER
        self.last = str(self.path[-1]) if self.path else ""

    @property
    def code(self) -> str:
        """LS-1011 for a name, otherwise by kind of fault; LS-1006 for any other."""
        if self.is_no_name:
            return "LS-1011"
        return _CODES.get(self.kind) or _BOUNDS.get(self.kind, "LS-1006")

    @property
    def what(self) -> str:
        """One sentence that names the setting; the value itself is not in it."""
        if self.kind == "extra_forbidden":
            return f"{self.where}: {self.key} is not a setting; {self._nearest()}"
        if self.kind == "missing":
            return f"{self.where}: {self.key} is missing"
        return f"{self.where}: {self.key} is not accepted: {self._message()}"

    @property
    def why(self) -> str:
        """The rule that the setting broke."""
        if self.kind == "extra_forbidden":
            return "an unknown key would be silently without effect"
        if self.kind == "missing":
            return "it has no default"
        if self.is_no_name:
            return "identifier rule: names are letters, digits and _, first a letter, at most 80"
        return "every setting has a type and a range"

    @property
    def fix(self) -> str:
        """What to write instead, as far as the kind of fault says."""
        if self.kind == "extra_forbidden":
            return self._nearest()
        if self.kind == "missing":
            return f"add {self.last}{self._described()}"
        if self.kind == "string_type":
            return f"write {self.last} as text, in quotes"
        if self.kind == "bool_type":
            return f"write {self.last} as true or false"
        return f"correct {self.last}{self._described()}"

    def _message(self) -> str:
        message = self.message.removeprefix("Value error, ").replace("Input should be", "must be")
        limits = _limits(self._field())
        if limits and self.kind != "value_error" and self.kind not in ("string_type",):
            return f"must be {limits}" if self.kind in _BOUNDS else f"{message}, {limits}"
        return message

    def _nearest(self) -> str:
        return nearest(self.last, _names(self.parent))

    def _field(self) -> FieldInfo | None:
        return _field(self.parent, self.last)

    def _described(self) -> str:
        field = self._field()
        description = field.description if field else None
        return f": {description}" if description else ""


def _real_path(loc: tuple[int | str, ...], values: Any) -> KeyPath:
    """Leave out what pydantic adds to name a branch of a union or the key of a mapping."""
    path: list[int | str] = []
    here = values
    for index, part in enumerate(loc):
        is_last = index == len(loc) - 1
        if isinstance(here, dict) and part in here:
            here = here[str(part)]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        elif not (is_last and isinstance(here, dict) and part != "[key]"):
            continue
        path.append(part)
    return tuple(path)


def settings_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The settings class that a key path leads to; None where it leads to plain values."""
    here: Any = model
    for part in path:
        parent = _model_in(here)
        field = _field(parent, str(part)) if not _is_mapping(here) else None
        if field is not None:
            here = field.annotation
        elif _is_mapping(here):
            here = _mapping_value(here)
        elif not isinstance(part, int):
            return None
    return None if _is_mapping(here) else _model_in(here)


def field_at(model: type[BaseModel], path: KeyPath) -> FieldInfo | None:
    """The field that a key path leads to; None where it leads to none."""
    return _field(settings_at(model, path[:-1]), str(path[-1]))


def _field(model: type[BaseModel] | None, key: str) -> FieldInfo | None:
    if model is None:
        return None
    for name, field in model.model_fields.items():
        if key == (field.alias or name):
            return field
    return None


def _names(model: type[BaseModel] | None) -> list[str]:
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _is_mapping(annotation: Any) -> bool:
    return any(getattr(part, "__origin__", None) is dict for part in _parts(annotation))


def _mapping_value(annotation: Any) -> Any:
    for part in _parts(annotation):
        if getattr(part, "__origin__", None) is dict:
            return get_args(part)[1]
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for part in _walk(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The annotation itself, or the branches of a union."""
    if getattr(annotation, "__origin__", None) is dict:
        return (annotation,)
    return (annotation, *get_args(annotation))


def _walk(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _walk(part)


def _limits(field: FieldInfo | None) -> str:
    """Say the range of a number in words."""
    if field is None:
        return ""
    found: dict[str, Any] = {}
    for item in [
        *field.metadata,
        *(m for part in _walk(field.annotation) for m in _metadata(part)),
    ]:
        for name in ("ge", "gt", "le", "lt"):
            value = getattr(item, name, None)
            if value is not None:
                found[name] = value
    words: Mapping[str, str] = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return " and ".join(f"{words[name]} {found[name]}" for name in words if name in found)


def _metadata(annotation: Any) -> tuple[Any, ...]:
    items = getattr(annotation, "__metadata__", ())
    nested = [m for item in items for m in getattr(item, "metadata", [item])]
    return tuple(nested)
