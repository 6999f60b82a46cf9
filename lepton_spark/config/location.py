"""Where a configured path or URI may lead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from lepton_spark.errors import ConfigError

_BUCKET, _CLUSTER = (r"[^/]+", "bucket"), (r"[^/]+", "namenode")
# Of any other host pyarrow takes the first folder for the container.
_CONTAINER = (
    r"[^/:@]+@[^/:@.]+\.dfs\.core\.windows\.net",
    "container@account.dfs.core.windows.net",
)
# Stores that Spark and pyarrow both open, as all but tables is read and written with pyarrow; and
# what follows //: Spark may have a default for it, pyarrow has none (apache/arrow#42050).
_STORES = {
    "abfs": _CONTAINER,
    "abfss": _CONTAINER,
    "gs": _BUCKET,
    "hdfs": _CLUSTER,
    "s3": _BUCKET,
    "s3a": _BUCKET,
    "viewfs": _CLUSTER,
}
_AZURE = "abfss://container@account.dfs.core.windows.net/folder"
_INSTEAD = {
    "dbfs": "the store behind it, such as s3://bucket/folder, or a volume: /Volumes/...",
    "wasb": _AZURE,
    "wasbs": _AZURE,
}
STORAGE_SCHEMES = frozenset(_STORES)
TRACKING_SCHEMES = frozenset(
    {"databricks", "http", "https", "mssql", "mysql", "postgresql", "sqlite"}
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")


def _is_climbing(path: str) -> bool:
    return ".." in path.split("/")


def is_hidden(name: str) -> bool:
    """Whether a file or folder is other programs' work in progress, as Spark tells it.

    It starts with a dot or an underscore; but `_day=2024-01-31` is a folder of a column `_day`.
    """
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _below_landing(path: str) -> str:
    """Accept a pattern of files below the landing folder of a case."""
    scheme = _SCHEME.match(path)
    if scheme:
        raise ValueError(f"the scheme {scheme[1]}: is not allowed; paths are relative to landing")
    if path.startswith(("/", "~")) or _is_climbing(path) or _UNSAFE.search(path):
        raise ValueError(
            "the path leaves the landing folder of the case, its only allowed root; "
            "write it relative to that folder, without .., ~ or a leading /"
        )
    if not path.strip() or path.endswith("/"):
        raise ValueError("the path names no file")
    hidden = [part for part in path.split("/") if is_hidden(part)]
    if hidden:
        raise ValueError(
            f"{hidden[0]} begins with a dot or underscore: such names are other programs' work in"
            " progress and are never read; rename the files or their folder"
        )
    if path.count("{date}") > 1 or re.search(r"[{}]", path.replace("{date}", "")):
        raise ValueError("the only placeholder is {date}, at most once")
    return path


def _storage(path: str) -> str:
    """Accept a folder: a local path, or a URI of a shared store."""
    scheme = _SCHEME.match(path)
    if scheme:
        _refuse_unreachable(scheme[1], path[scheme.end() :])
    if path.startswith("~") or _is_climbing(path) or _UNSAFE.search(path) or not path.strip():
        raise ValueError("the folder may not hold .., ~, a backslash or control characters")
    return path


def _refuse_unreachable(scheme: str, rest: str) -> None:
    if scheme in _INSTEAD:
        raise ValueError(
            f"the scheme {scheme}: is not allowed: models and raw files are read with pyarrow,"
            f" which does not open it; write {_INSTEAD[scheme]}"
        )
    if scheme not in _STORES:
        allowed = ", ".join(_STORES)
        raise ValueError(
            f"the scheme {scheme}: is not allowed; write a plain path, or one of {allowed}"
        )
    pattern, owner = _STORES[scheme]
    if not re.match(rf"//{pattern}(?:/|$)", rest):
        raise ValueError(f"the URI lacks its {owner}; write {scheme}://{owner}/folder")


def _tracking(uri: str) -> str:
    """Accept the address of an MLflow store: a database, a server, or databricks."""
    scheme = uri.split(":", 1)[0].split("+", 1)[0].lower()
    if scheme not in TRACKING_SCHEMES or _UNSAFE.search(uri):
        allowed = ", ".join(sorted(TRACKING_SCHEMES))
        raise ValueError(f"the address of MLflow starts with one of {allowed}")
    return uri


LandingPath = Annotated[str, AfterValidator(_below_landing)]
StoragePath = Annotated[str, AfterValidator(_storage)]
TrackingUri = Annotated[str, AfterValidator(_tracking)]


def check_inside(root: Path, pattern: str, *, where: str) -> None:
    """Follow the links of a local path that exists and see that it stays below its root.

    Args:
        root: The only folder that may be read from.
        pattern: Path below it; the part before the first `*` or `{` is followed.
        where: Place in the configuration, for the error.

    Raises:
        ConfigError: A link leads outside.
    """
    fixed = Path(re.split(r"[*?{\[]", pattern, maxsplit=1)[0])
    refuse_outside(root, root / fixed, where=where)


def refuse_outside(root: Path, path: Path, *, where: str) -> None:
    """Follow the links of a local path and see that it stays below its root.

    Args:
        root: The only folder that may be read from.
        path: A file or folder, whatever its name holds.
        where: Place in the configuration, or the file, for the error.

    Raises:
        ConfigError: A link leads outside.
    """
    resolved = path.resolve()
    if not resolved.is_relative_to(root.resolve()):
        raise ConfigError(
            "LS-1013",
            f"{where}: the path leads to {resolved}",
            f"raw files are read from below {root.resolve()} only, links included",
            "copy the files there instead of linking them",
        )
