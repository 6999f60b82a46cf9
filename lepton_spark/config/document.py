"""Read one YAML file into plain values, each with the place where it was written.

Stricter than YAML on purpose: no tags, no second meaning for a word. Keys are always text, so
that `on:` is a key; a plain `no` as a value is refused, since YAML 1.1 would read it as false.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from lepton_spark.config.scalar import Scalar, ScalarError, plain_value
from lepton_spark.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_NODES = 20_000

KeyPath = tuple[str | int, ...]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """What a file says, and where.

    Args:
        path: The file, as it is shown to a user.
        values: Mappings, lists, text, numbers, booleans and None.
        places: Key path to `file:line:column`; see `place_of`.
    """

    path: str
    values: dict[str, Any]
    places: dict[KeyPath, str] = field(default_factory=dict)

    def place_of(self, path: KeyPath) -> str:
        """Where a key was written; of a missing one, its nearest parent."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.path)


def refuse(place: str, what: str, why: str, fix: str, *, code: str = "LS-1001") -> NoReturn:
    """Raise a `ConfigError` about a place in a file.

    Raises:
        ConfigError: Always.
    """
    raise ConfigError(code, f"{place}: {what}", why, fix) from None


def read_document(path: Path, *, root: Path) -> Document:
    """Read a file that lies below a folder.

    Raises:
        ConfigError: The file is absent, leaves the folder, is too large, or is not strict YAML.
    """
    content = _read_bytes(path, root)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        refuse(
            f"{path}:{line}",
            "the file is not UTF-8",
            "configuration is UTF-8 text",
            "save it as UTF-8",
        )
    return parse_document(text, shown_as=str(path))


def parse_document(text: str, *, shown_as: str) -> Document:
    """Read a whole document from text.

    Raises:
        ConfigError: It is not strict YAML, or not a mapping.
    """
    builder = _Builder(shown_as)
    values = builder.build(text)
    if not isinstance(values, dict):
        refuse(
            shown_as,
            "the file holds no mapping",
            "configuration is a mapping of settings",
            "write `key: value` lines",
        )
    return Document(shown_as, values, builder.places)


def parse_value(text: str, *, shown_as: str) -> Any:
    """Read one value, such as `0.5` or `[a, b]`, by the same rules as a file."""
    return _Builder(shown_as).build(text)


def _read_bytes(path: Path, root: Path) -> bytes:
    if not path.is_file():
        refuse(
            str(path),
            "there is no such file",
            "it is named on the command line or by another file",
            f"create it, or choose one that is there: {_siblings(path)}",
            code="LS-1000",
        )
    if not path.resolve().is_relative_to(root.resolve()):
        refuse(
            str(path),
            "the file lies outside the configuration folder",
            f"configuration is read from below {root} only, links included",
            "copy the file there",
            code="LS-1013",
        )
    if path.stat().st_size > MAX_BYTES:
        refuse(
            str(path),
            f"the file is larger than {MAX_BYTES} bytes",
            "a larger file is no configuration",
            "split it, or remove what is not configuration",
            code="LS-1003",
        )
    return path.read_bytes()


def _siblings(path: Path) -> str:
    suffix = "".join(path.suffixes)
    names = sorted(p.name for p in path.parent.glob(f"*{suffix}"))[:10]
    return ", ".join(names) or "the folder is empty"


@dataclass
class _Open:
    """A mapping or list that is being read."""

    path: KeyPath
    value: dict[str, Any] | list[Any]
    anchor: str | None
    nodes_before: int
    key: str | None = None
    key_lines: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Turns the events of a YAML parser into values; never recursive, so never too deep."""

    def __init__(self, shown_as: str) -> None:
        self.shown_as = shown_as
        self.places: dict[KeyPath, str] = {}
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._documents = 0
        self._result: Any = None

    def build(self, text: str) -> Any:
        """The document as mappings, lists and scalars; None where the text holds nothing."""
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            self._refuse(
                error.problem_mark,
                str(error.problem or "the text cannot be read"),
                "the file is not YAML",
                "indent with spaces, close quotes and brackets, quote text that holds ': '",
            )
        except yaml.YAMLError:
            self._refuse(
                None,
                "it holds a character that text may not hold",
                "the file is not YAML",
                "remove control characters",
            )
        return self._result

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse(
                    event.start_mark,
                    "a second document starts",
                    "one file is one document",
                    "remove the line `---`",
                )
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            closed = self._stack.pop()
            if closed.anchor:
                size = self._nodes - closed.nodes_before
                self._anchors[closed.anchor] = (closed.value, size)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_tag(event)
        self._count(event, 1)
        if self._expects_key():
            self._start_key(event)
            return
        value = event.value if event.style else self._plain(event)
        self._place(value, event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors or self._expects_key():
            self._refuse(
                event.start_mark,
                f"the alias *{event.anchor} stands for nothing that is complete",
                "an alias repeats a value that was read before",
                "write the value out",
            )
        value, size = self._anchors[event.anchor]
        self._count(event, size)
        # A copy: what is set in one of the two places is not meant for the other.
        self._place(copy.deepcopy(value), event)

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._check_tag(event)
        self._count(event, 1)
        if self._expects_key():
            self._refuse(
                event.start_mark, "a key is not text", "keys are words", "write a plain key"
            )
        if len(self._stack) >= MAX_DEPTH:
            self._refuse(
                event.start_mark,
                f"values are nested deeper than {MAX_DEPTH}",
                "the depth of a file is limited",
                "flatten it",
                code="LS-1003",
            )
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        value: dict[str, Any] | list[Any] = {} if is_mapping else []
        before = self._nodes
        path = self._place(value, event)
        self._stack.append(_Open(path, value, event.anchor, before))

    def _expects_key(self) -> bool:
        top = self._stack[-1] if self._stack else None
        return top is not None and isinstance(top.value, dict) and top.key is None

    def _start_key(self, event: yaml.ScalarEvent) -> None:
        top = self._stack[-1]
        if event.value in top.key_lines:
            self._refuse(
                event.start_mark,
                f"the key {event.value!r} is there twice, first in line "
                f"{top.key_lines[event.value]}",
                "the second would silently win",
                "remove one of them",
                code="LS-1005",
            )
        top.key_lines[event.value] = event.start_mark.line + 1 if event.start_mark else 0
        top.key = event.value
        self.places[(*top.path, event.value)] = self._place_text(event.start_mark)

    def _place(self, value: Any, event: yaml.Event) -> KeyPath:
        """Put a value where it belongs and return its key path."""
        if not self._stack:
            self._result = value
            return ()
        top = self._stack[-1]
        if isinstance(top.value, dict):
            key, top.key = str(top.key), None
            top.value[key] = value
            return (*top.path, key)
        top.value.append(value)
        path = (*top.path, len(top.value) - 1)
        self.places[path] = self._place_text(event.start_mark)
        return path

    def _plain(self, event: yaml.ScalarEvent) -> Scalar:
        try:
            return plain_value(event.value)
        except ScalarError as error:
            self._refuse(event.start_mark, error.what, error.why, error.fix, code="LS-1006")

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None:
            self._refuse(
                event.start_mark,
                f"the tag {event.tag!r} is not allowed",
                "a tag can name code to run; values here are text, numbers, lists and mappings",
                "remove the tag",
                code="LS-1002",
            )

    def _count(self, event: yaml.Event, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._refuse(
                event.start_mark,
                f"the file has more than {MAX_NODES} values once its aliases are written out",
                "the size of a file is limited",
                "remove aliases of aliases",
                code="LS-1003",
            )

    def _place_text(self, mark: Any) -> str:
        if mark is None:
            return self.shown_as
        return f"{self.shown_as}:{mark.line + 1}:{mark.column + 1}"

    def _refuse(
        self, mark: Any, what: str, why: str, fix: str, *, code: str = "LS-1001"
    ) -> NoReturn:
        refuse(self._place_text(mark), what, why, fix, code=code)
