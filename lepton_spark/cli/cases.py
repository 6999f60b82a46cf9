"""Commands on the files of cases. None of them starts Spark."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lepton_spark.cli.options import CONF, ConfDir, Env, Json, Set
from lepton_spark.cli.say import say
from lepton_spark.job.outcome import write
from lepton_spark.job.request import parse_name

OneCase = Annotated[
    str | None, typer.Argument(metavar="[CASE]", help="Name of a case; all where left out.")
]
NewCase = Annotated[str, typer.Argument(metavar="CASE", help="Name of the case to begin.")]


def add_to(app: typer.Typer) -> None:
    """Add cases, new and check."""
    app.command("cases", rich_help_panel="Start")(cases)
    app.command("new", rich_help_panel="Start")(new)
    app.command("check", rich_help_panel="Start")(check)


def cases(conf_dir: ConfDir = CONF, json: Json = False) -> int:
    """List the cases and what each predicts."""
    from lepton_spark.config.loader import list_cases, load_case

    found = {name: load_case(conf_dir, name).description for name in list_cases(conf_dir)}
    lines = "".join(f"{name:<24} {text}\n" for name, text in found.items())
    facts = {"status": "done", "command": "cases", "exit_code": 0, "cases": found}
    return say(
        facts, "" if json else lines or f"no cases in {conf_dir / 'cases'}; try `lepton new`\n"
    )


def new(case: NewCase, conf_dir: ConfDir = CONF, json: Json = False) -> int:
    """Begin a case: a case file and two contracts to change, with a word on each key."""
    from lepton_spark.cli.template import write_case

    written = write_case(conf_dir, parse_name(case, "CASE"))
    lines = "".join(f"wrote {path}\n" for path in written) + f"next: lepton check {case}\n"
    facts = {
        "status": "done",
        "command": "new",
        "exit_code": 0,
        "files": [str(path) for path in written],
    }
    return say(facts, "" if json else lines)


def check(
    case: OneCase = None,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of a case file, for editors.")
    ] = False,
    json: Json = False,
) -> int:
    """Check case, contracts and environment without starting anything."""
    if schema:
        return _print_schema()
    from lepton_spark.config.loader import list_cases

    overrides = tuple(set_ or ())
    names = [parse_name(case, "CASE")] if case else list_cases(conf_dir)
    lines = [_check_one(conf_dir, name, parse_name(env, "--env"), overrides) for name in names]
    facts = {"status": "done", "command": "check", "exit_code": 0, "cases": names}
    return say(facts, "" if json else "".join(lines))


def _check_one(conf_dir: Path, name: str, env: str, overrides: tuple[str, ...]) -> str:
    from lepton_spark.config.check import load_all

    load_all(conf_dir, name, env, overrides)
    return f"{name}: fine\n"


def _print_schema() -> int:
    from lepton_spark.config.schema import case_schema

    write(sys.stdout, case_schema())
    return 0
