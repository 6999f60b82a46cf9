"""Commands beside the journey: where a score comes from, rolling back, is this machine fit."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from lepton_spark.cli.options import CONF, AsOf, Case, Choices, ConfDir, Env, Json, Set, request_of
from lepton_spark.cli.say import say
from lepton_spark.errors import EnvironmentFault, UsageError
from lepton_spark.job.outcome import tell
from lepton_spark.job.request import parse_name
from lepton_spark.job.run import execute

_WRITERS = "lepton_spark.demo_data"

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="Values of the key columns, as column=value,...")
]
Into = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder to write to; default: the landing folder."),
]


def add_to(app: typer.Typer) -> None:
    """Add trace, rollback, doctor and demo-data."""
    app.command("trace", rich_help_panel="Answers")(trace)
    app.command("rollback", rich_help_panel="Answers")(rollback)
    app.command("doctor", rich_help_panel="Answers")(doctor)
    app.command("demo-data", rich_help_panel="Start")(demo_data)


def doctor(
    env: Env = "local", conf_dir: ConfDir = CONF, set_: Set = None, json: Json = False
) -> int:
    """Check this machine: Python, Java, Delta, Horovod, memory, write access. Says each fix."""
    from lepton_spark.cli.doctor import examine

    findings = examine(conf_dir, env, tuple(set_ or ()))
    is_fit = all(finding.is_fit for finding in findings)
    code = 0 if is_fit else EnvironmentFault.exit_code
    lines = [str(finding) for finding in findings]
    facts = {
        "status": "done" if is_fit else "failed",
        "command": "doctor",
        "exit_code": code,
        "checks": [finding.facts() for finding in findings],
    }
    return say(facts, "" if json else "\n".join(lines) + "\n")


def trace(
    case: Case,
    key: Key,
    as_of: AsOf = None,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    json: Json = False,
) -> int:
    """Show where one published score comes from, and compute it again."""
    from lepton_spark.cli.tables import show_trace
    from lepton_spark.score.trace import trace as find

    choices = Choices(as_of, env, conf_dir, set_, 0, allow_empty=False, allow_future=False)
    request = request_of("trace", case, choices)
    outcome = execute(request, lambda context: {context.as_of: [find(context, key)]})
    before = "" if json else show_trace(outcome)
    return tell(outcome, stdout=sys.stdout, stderr=sys.stderr, before=before)


def rollback(
    case: Case,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    json: Json = False,
) -> int:
    """Let the model score again that was the champion before. Nights that are published stay."""
    from lepton_spark.config.loader import load_environment
    from lepton_spark.job.run import new_run_id
    from lepton_spark.registry.store import roll_back

    name = parse_name(case, "CASE")
    environment = load_environment(conf_dir, env, tuple(set_ or ()))
    before, after = roll_back(environment, name, new_run_id())
    facts = {
        "status": "done",
        "command": "rollback",
        "exit_code": 0,
        "case": name,
        "model_version": after,
        "instead_of": before,
    }
    told = f"version {after} of {name} scores from now on, instead of version {before}\n"
    return say(facts, "" if json else told)


def demo_data(
    name: Annotated[str, typer.Argument(help="Which data; also the case.")] = "flight_delay",
    into: Into = None,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    json: Json = False,
) -> int:
    """Write raw files as an operator would deliver them, to try a case with."""
    writers = {found.name: found for found in metadata.entry_points(group=_WRITERS)}
    if name not in writers:
        raise UsageError(
            "LS-0209",
            f"there are no demo data of that name; there are: {', '.join(sorted(writers))}.",
            "demo data come from installed packages.",
            "choose one of these, or install lepton-spark[demo].",
        )
    folder = into or _landing(name, conf_dir, env, tuple(set_ or ()))
    rows = writers[name].load()(folder)
    facts = {
        "status": "done",
        "command": "demo-data",
        "exit_code": 0,
        "folder": str(folder),
        "rows": rows,
    }
    counted = ", ".join(f"{count:,} {table}" for table, count in rows.items())
    return say(facts, "" if json else f"{counted}\nin {folder}\n")


def _landing(case: str, conf_dir: Path, env: str, overrides: tuple[str, ...]) -> Path:
    from lepton_spark.config.loader import load_environment
    from lepton_spark.lake.catalog import landing_path, scheme_of

    landing = landing_path(load_environment(conf_dir, env, overrides), case)
    if scheme_of(landing) != "file":
        raise UsageError(
            "LS-0210",
            "the landing folder of this environment is not on this machine.",
            "demo data are written as local files.",
            "add --into DIR, then copy them.",
        )
    return Path(landing)
