"""Arguments and options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lepton_spark.job.request import Request, parse_day, parse_name

CONF = Path("conf")

Case = Annotated[str, typer.Argument(metavar="CASE", help="Name of a case; see `lepton cases`.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="YYYY-MM-DD",
        help="Logical date: nothing is read that landed or was known after its moment.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(metavar="YYYY-MM-DD", help="Last of several nights, each run in turn."),
]
ScoreDate = Annotated[
    str | None,
    typer.Option(metavar="YYYY-MM-DD", help="Score the rows of this day at the end."),
]
Env = Annotated[str, typer.Option("--env", metavar="NAME", help="A file in <conf-dir>/env.")]
ConfDir = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of cases, contracts and environments.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=C", help="One setting over the files; may be repeated."),
]
Revision = Annotated[
    int,
    typer.Option(min=0, help="Raise it to publish other content where some was published."),
]
AllowEmpty = Annotated[bool, typer.Option("--allow-empty", help="Accept a day without files.")]
AllowFuture = Annotated[bool, typer.Option("--allow-future", help="Accept a date yet to come.")]
Json = Annotated[bool, typer.Option("--json", help="Print the JSON summary only.")]


@dataclass(frozen=True)
class Choices:
    """The options of a command that runs stages, as they were given."""

    as_of: str | None
    env: str
    conf_dir: Path
    overrides: list[str] | None
    revision: int
    allow_empty: bool
    allow_future: bool


def request_of(command: str, case: str, choices: Choices) -> Request:
    """Check what was given.

    Raises:
        UsageError: A date or a name is missing or malformed.
    """
    return Request(
        command=command,
        case=parse_name(case, "CASE"),
        as_of=parse_day(choices.as_of, "--as-of"),
        environment=parse_name(choices.env, "--env"),
        conf_dir=choices.conf_dir,
        overrides=tuple(choices.overrides or ()),
        revision=choices.revision,
        allow_empty=choices.allow_empty,
        allow_future=choices.allow_future,
    )
