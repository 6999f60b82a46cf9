"""The arguments of a script in `jobs/`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lepton_spark.errors import UsageError
from lepton_spark.job.request import Request, parse_day, parse_name


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of leaving the process."""
        raise UsageError(
            "LS-0201", f"{self.prog}: {message}.", "the arguments are fixed.", f"{self.prog} --help"
        )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("a number from 0 on is wanted")
    return int(text)


def read_arguments(name: str, argv: Sequence[str]) -> Request:
    """Read the arguments that all jobs share.

    Args:
        name: The job, for its help.
        argv: Arguments without the program.

    Raises:
        UsageError: One is unknown, missing or malformed.
    """
    parser = _Parser(prog=f"jobs/{name}.py", description=f"Run {name} of one case.")
    add = parser.add_argument
    add("--case", required=True, help="a file in <conf-dir>/cases, without its ending")
    add("--as-of", required=True, help="logical date, YYYY-MM-DD")
    add("--env", default="cluster", help="a file in <conf-dir>/env, without its ending")
    add("--conf-dir", default="conf", help="folder of cases, contracts and environments")
    add("--set", action="append", default=[], metavar="A.B=C", help="one setting over the files")
    add("--revision", type=_count, default=0, help="raise it to publish other content under a key")
    add("--allow-empty", action="store_true", help="accept a day without files")
    add("--allow-future", action="store_true", help="accept a date yet to come")
    found = parser.parse_args(argv)
    return Request(
        command=name,
        case=parse_name(found.case, "--case"),
        as_of=parse_day(found.as_of, "--as-of"),
        environment=parse_name(found.env, "--env"),
        conf_dir=Path(found.conf_dir),
        overrides=tuple(found.set),
        revision=found.revision,
        allow_empty=found.allow_empty,
        allow_future=found.allow_future,
    )
