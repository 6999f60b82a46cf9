"""Runs the command line and jobs as a person or a scheduler would: in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys; from lepton_spark.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def summary(self) -> dict[str, Any]:
        """The last line of stdout."""
        assert self.stdout.strip(), self.stderr[-4000:]
        return json.loads(self.stdout.splitlines()[-1])

    def stage(self, name: str) -> dict[str, Any]:
        """What one stage gave; the first of that name."""
        return next(stage for stage in self.summary["stages"] if stage["stage"] == name)


def lepton(*arguments: object, timeout: float = 600, **environ: str) -> Done:
    """Run `lepton` from another folder than the project's."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return run(command, timeout=timeout, **environ)


def run(command: list[str], *, timeout: float = 600, **environ: str) -> Done:
    done = subprocess.run(
        command,
        cwd="/tmp",
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
