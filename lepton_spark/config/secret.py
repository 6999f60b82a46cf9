"""Keep secrets out of files, and fill in those that the process environment holds."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from lepton_spark.config.document import Document, KeyPath, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

_REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_ANY_REFERENCE = re.compile(r"\$\{")
_SECRET_KEY = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|credentials?|api[._-]?key|(access|private|account|shared)"
    r"[._-]?key)$",
    re.IGNORECASE,
)
_SECRET_PART = re.compile(r"(password|secret|fs\.azure\.(account|sas)\.)", re.IGNORECASE)
_NO_SECRET_KEY = re.compile(
    r"\.(enabled|provider|type|class|file|path|regex|timeout|interval)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|xox[abprs]-[0-9A-Za-z-]{10}"
    r"|gh[pousr]_[0-9A-Za-z]{30}|dapi[0-9a-f]{30}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}"
    r"|[?&;](sig|password|pwd|accountkey|sharedaccesskey)=(?!\$\{env:)[^&;\s]+"
    r"|://[^/\s:@]+:(?!\$\{env:)[^/\s@]+@",
    re.IGNORECASE,
)


def fill_in(document: Document) -> Document:
    """Replace each `${env:NAME}` by the variable; refuse a secret written out.

    Raises:
        ConfigError: A secret in the file, an unset variable or another kind of reference. The
            value is never told.
    """
    values = _each_text(document.values, (), lambda path, text: _fill(document, path, text))
    return Document(document.path, values, document.places)


def _each_text(value: Any, path: KeyPath, change: Callable[[KeyPath, str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _each_text(item, (*path, key), change) for key, item in value.items()}
    if isinstance(value, list):
        return [_each_text(item, (*path, index), change) for index, item in enumerate(value)]
    return change(path, value) if isinstance(value, str) else value


def _fill(document: Document, path: KeyPath, text: str) -> str:
    if _is_secret(path, text):
        refuse(
            document.place_of(path),
            f"{_shown(path)} looks like a secret written out",
            "files are copied and committed",
            "put it into an environment variable and write ${env:NAME}",
            code="LS-1015",
        )
    filled = _REFERENCE.sub(lambda match: _variable(document, path, match[1]), text)
    if _ANY_REFERENCE.search(_REFERENCE.sub("", text)):
        refuse(
            document.place_of(path),
            f"{_shown(path)} holds a reference that is not understood",
            "the only one is ${env:NAME}, an environment variable",
            "write ${env:NAME}",
            code="LS-1016",
        )
    return filled


def _is_secret(path: KeyPath, text: str) -> bool:
    if _SECRET_VALUE.search(text):
        return True
    # Of a case no setting holds a secret, but its columns may be called anything.
    key = str(path[-1]) if path and path[0] in ("spark", "mlflow", "lakehouse", "landing") else ""
    is_guarded = _SECRET_KEY.search(key) or _SECRET_PART.search(key)
    if not is_guarded or _NO_SECRET_KEY.search(key) or not text:
        return False
    return text not in ("true", "false") and not _REFERENCE.fullmatch(text)


def _shown(path: KeyPath) -> str:
    return ".".join(str(part) for part in path) or "the value"


def _variable(document: Document, path: KeyPath, name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        refuse(
            document.place_of(path),
            f"the environment variable {name} is not set",
            f"{_shown(path)} refers to it",
            f"export {name}=... before the command",
            code="LS-1016",
        )
    return value
