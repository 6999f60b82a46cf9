"""Everything that was measured, as it came out: speed, quality and promises. Starts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lepton_spark.cli.options import Json  # noqa: TC001  # typer reads it
from lepton_spark.cli.say import say
from lepton_spark.cli.tables import align
from lepton_spark.errors import UsageError

Results = Annotated[
    Path, typer.Option("--results", metavar="DIR", help="Folder of the measured files.")
]
_HEAD = ("measured", "what", "value", "wanted", "", "on")
_VERDICTS: Mapping[bool | None, str] = {True: "met", False: "MISSED", None: ""}


def add_to(app: typer.Typer) -> None:
    """Add scorecard."""
    app.command("scorecard", rich_help_panel="Answers")(scorecard)


def scorecard(results: Results = Path("results"), json: Json = False) -> int:
    """Print every claim that was measured, and whether it holds."""
    documents = _read(results)
    checks = [check for document in documents.values() for check in document["checks"]]
    facts = {
        "status": "done",
        "command": "scorecard",
        "exit_code": 0,
        "files": len(documents),
        "checks": len(checks),
        "met": sum(check["holds"] is True for check in checks),
        "missed": [check["what"] for check in checks if check["holds"] is False],
    }
    return say(facts, "" if json else align([_HEAD, *_lines(documents)]))


def _read(results: Path) -> dict[str, Mapping[str, Any]]:
    """By kind and name, such as bench/launch.

    Raises:
        UsageError: There is none, or one is no such file.
    """
    found = {}
    for path in sorted(results.glob("*/*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            list(_lines({path.stem: document}))
        except (OSError, ValueError, KeyError, TypeError):
            raise _refusal(f"{path} is no file of measured claims") from None
        found[f"{path.parent.name}/{path.stem}"] = document
    if not found:
        raise _refusal(f"there is nothing measured in {results}")
    return found


def _refusal(what: str) -> UsageError:
    return UsageError(
        "LS-0222",
        f"{what}.",
        "claims are read from the files that the commands which measure them write.",
        "run `make bench` or `make promises` in the project, or name its folder with --results.",
    )


def _lines(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for name, document in documents.items():
        for check in document["checks"]:
            unit = f" {check['unit']}" if check["unit"] else ""
            wanted = f"{check['target']}{unit}" if check["target"] else ""
            value = f"{float(check['value']):.4g}{unit}"
            verdict = _VERDICTS[check["holds"]]
            yield name, str(check["what"]), value, wanted, verdict, str(document["date"])
