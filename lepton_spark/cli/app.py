"""Puts the commands together, and turns every end into an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from typer.exceptions import Abort, TyperException

from lepton_spark.cli import (
    cases,
    profile,
    quarantine,
    report,
    scorecard,
    search,
    stages,
    statistics,
    tools,
)
from lepton_spark.errors import UsageError
from lepton_spark.job.ending import ending_of
from lepton_spark.job.outcome import Outcome, tell
from lepton_spark.job.request import check_arguments
from lepton_spark.job.stop import Stopped

_EPILOG = (
    "Exit codes: 0 done or already done, 2 usage, 10 configuration, 20 data, 30 model or gate, "
    "40 conflict, 50 environment, 60 training, 70 our fault, 75 try again, 130 and 143 stopped."
)


def build_app() -> typer.Typer:
    """All commands; `lepton --help` lists them in this order."""
    app = typer.Typer(
        name="lepton",
        help="From raw tables to nightly predictions. Start with `lepton cases`.",
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    stages.add_to(app)
    cases.add_to(app)
    profile.add_to(app)
    search.add_to(app)
    report.add_to(app)
    scorecard.add_to(app)
    statistics.add_to(app)
    quarantine.add_to(app)
    tools.add_to(app)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program; those of the process where not given.

    Returns:
        The exit code.
    """
    given = sys.argv[1:] if argv is None else list(argv)
    command = given[0] if given and given[0].isidentifier() else ""
    try:
        check_arguments(given)
        code = build_app()(args=given, prog_name="lepton", standalone_mode=False)
    except BrokenPipeError:
        return 0
    except TyperException as error:
        return _refuse(
            command,
            UsageError(
                "LS-0201",
                _one_line(error.format_message()) or "no command was given.",
                "a command takes the arguments and options that its help lists.",
                "lepton --help lists the commands, lepton COMMAND --help the options of one.",
            ),
        )
    except (Exception, Stopped, KeyboardInterrupt) as error:  # noqa: BLE001  # each end has a code
        return _refuse(command, error)
    return int(code or 0)


def _refuse(command: str, error: BaseException) -> int:
    cause = KeyboardInterrupt() if isinstance(error, Abort) else error
    outcome = Outcome.refused(command, ending_of(cause))
    return tell(outcome, stdout=sys.stdout, stderr=sys.stderr)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
