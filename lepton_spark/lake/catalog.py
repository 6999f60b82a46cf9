"""Names of tables, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from lepton_spark.config.environment import Environment


@dataclass(frozen=True, order=True)
class TableId:
    """A table of the lake, written `layer.name`.

    Args:
        layer: bronze, silver, gold or ops.
        name: An identifier, unique in its layer.
    """

    layer: str
    name: str

    def __str__(self) -> str:
        return f"{self.layer}.{self.name}"


def all_of(layer: str, case: str) -> TableId:
    """What to hold where all tables of a case are written in a layer; no table has this name."""
    return TableId(layer, f"{case}-all")


def location(environment: Environment, table: TableId) -> str:
    """The URI or absolute path of a table's folder."""
    return path_of(environment, table.layer, table.name)


def path_of(environment: Environment, *parts: str) -> str:
    """A URI or absolute path below the lakehouse."""
    return join(environment.lakehouse, *parts)


def landing_path(environment: Environment, case: str) -> str:
    """The URI or absolute path of the folder where raw files of a case land."""
    if environment.landing is not None:
        return join(environment.landing, case)
    return path_of(environment, "landing", case)


def scheme_of(path: str) -> str:
    """The scheme of a URI; `file` for a path."""
    return urlsplit(path).scheme if "://" in path else "file"


def join(root: str, *parts: str) -> str:
    """Put parts below a root; a root without a scheme becomes an absolute path."""
    if scheme_of(root) != "file":
        return "/".join([root.rstrip("/"), *parts])
    return str(Path(root.removeprefix("file://")).resolve().joinpath(*parts))
