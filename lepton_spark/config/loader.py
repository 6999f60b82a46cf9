"""Load cases and environments: strict YAML in, frozen settings or one `ConfigError` out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_spark.config.case import Case
from lepton_spark.config.document import Document, read_document, refuse
from lepton_spark.config.environment import Environment
from lepton_spark.config.nearest import nearest
from lepton_spark.config.override import apply_overrides, parse_overrides
from lepton_spark.config.secret import fill_in
from lepton_spark.config.task import with_defaults
from lepton_spark.config.validation import validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

SUFFIX = ".yml"
VERSION = 1
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


def list_cases(conf_dir: Path) -> list[str]:
    """Names of the cases that a configuration folder holds, in order."""
    return _names(Path(conf_dir) / "cases")


def load_case(conf_dir: Path, name: str, overrides: Sequence[str] = ()) -> Case:
    """Read `<conf_dir>/cases/<name>.yml`; overrides of an environment's keys are left alone.

    Raises:
        ConfigError: With the file, line and column, the key, and the nearest known one.
    """
    document = case_document(conf_dir, name, overrides)
    case = validate(replace(document, values=with_defaults(document.values)), Case)
    _check_name(document, "case", case.case, name)
    return case


def load_environment(conf_dir: Path, name: str, overrides: Sequence[str] = ()) -> Environment:
    """Read `<conf_dir>/env/<name>.yml`; overrides of a case's keys are left alone.

    Raises:
        ConfigError: With the file, line and column, the key, and the nearest known one.
    """
    document = _document(Path(conf_dir) / "env", name, overrides, Environment)
    environment = validate(document, Environment)
    _check_name(document, "name", environment.name, name)
    return environment


def case_document(conf_dir: Path, name: str, overrides: Sequence[str] = ()) -> Document:
    """The values of a case file and their places, before they are validated."""
    return _document(Path(conf_dir) / "cases", name, overrides, Case)


def _document(
    folder: Path, name: str, overrides: Sequence[str], model: type[BaseModel]
) -> Document:
    _check_known(folder, name)
    document = read_document(folder / f"{name}{SUFFIX}", root=folder.parent)
    _check_version(document)
    known = _keys(Case) | _keys(Environment)
    given = parse_overrides(overrides, known)
    mine = [item for item in given if item.path[0] in _keys(model)]
    return fill_in(apply_overrides(document, mine))


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob(f"*{SUFFIX}") if _NAME.fullmatch(path.stem))


def _keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _check_known(folder: Path, name: str) -> None:
    kind = {"cases": "case", "env": "environment"}[folder.name]
    if not _NAME.fullmatch(name):
        refuse(
            str(folder),
            f"the name of the {kind} is not an identifier",
            "names are letters, digits and _, first a letter, at most 80",
            nearest(name, _names(folder)),
            code="LS-1011",
        )
    if not (folder / f"{name}{SUFFIX}").is_file():
        refuse(
            str(folder),
            f"there is no {kind} {name}",
            f"a {kind} is the file {folder / (name + SUFFIX)}",
            nearest(name, _names(folder)),
            code="LS-1000",
        )


def _check_version(document: Document) -> None:
    version = document.values.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        refuse(
            document.place_of(("version",)),
            f"the file is written for version {version}",
            f"this release of lepton-spark reads version {VERSION}",
            "upgrade lepton-spark, or rewrite the file for the older version",
            code="LS-1020",
        )


def _check_name(document: Document, key: str, inside: str, name: str) -> None:
    if inside != name:
        refuse(
            document.place_of((key,)),
            f"{key} is {inside}, but the file is called {name}{SUFFIX}",
            "tables and models carry the name, so it is said only once",
            f"write {key}: {name}, or rename the file",
            code="LS-1012",
        )
