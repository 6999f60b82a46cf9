"""The files that `lepton new` writes: a small case that passes `lepton check`, to be changed.

The environment of this machine too, where the folder has none.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from lepton_spark.errors import UsageError

_ENVIRONMENT = ("local.yml", "env/local.yml")
_FILES = {
    "case.yml": "cases/{name}.yml",
    "items.odcs.yml": "contracts/{name}_items.odcs.yml",
    "outcomes.odcs.yml": "contracts/{name}_outcomes.odcs.yml",
}


def write_case(conf_dir: Path, name: str) -> list[Path]:
    """Write the files of a new case and, where there is none, `env/local.yml`; over no other file.

    Args:
        conf_dir: Folder of cases and contracts; made where it is missing.
        name: An identifier.

    Raises:
        UsageError: One of the files is there already; none was written.
    """
    targets = {source: conf_dir / path.format(name=name) for source, path in _FILES.items()}
    there = [path for path in targets.values() if path.exists()]
    if there:
        raise UsageError(
            "LS-0211",
            f"{there[0]} is there already.",
            "a new case is never written over an old one.",
            "choose another name, or remove the file.",
        )
    source, path = _ENVIRONMENT
    if not (conf_dir / path).exists():
        targets[source] = conf_dir / path
    folder = resources.files("lepton_spark.cli") / "templates"
    for source, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (folder / source).read_text(encoding="utf-8")
        target.write_text(text.replace("CASE_NAME", name), encoding="utf-8")
    return list(targets.values())
