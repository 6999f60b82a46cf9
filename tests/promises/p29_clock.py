"""P29: neither the zone, language nor hash seed of a machine changes a table.

Each trial is a process of its own: a JVM reads its zone and language when it starts.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.promises.promise import Promise

if TYPE_CHECKING:
    from tests.promises.lab import Lab

_ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")
_LANGUAGES = ("C.UTF-8", "tr_TR.UTF-8")
_SEEDS = ("0", "1", "4711", "random")
# The days of the shops hold a leap day and both changes of clocks; all zones differ from the first.
_MACHINES = sorted(
    itertools.product(_ZONES, _LANGUAGES, _SEEDS), key=lambda machine: machine[0] == "UTC"
)
_MOST_SECONDS = 900


def trials(lab: Lab, number: int) -> list[str]:
    """One machine a trial; the tables of all are compared with those of the first."""
    wanted = _digests(lab, ("UTC", "C.UTF-8", "0"))
    failures = []
    for machine in _MACHINES[: number - 1]:
        found = _digests(lab, machine)
        failures += [] if found == wanted else [f"{machine}: {found}"]
    return failures


def _digests(lab: Lab, machine: tuple[str, str, str], *, is_naive: bool = False) -> object:
    zone, language, seed = machine
    place = tempfile.mkdtemp(dir=lab.folder)
    done = subprocess.run(
        [sys.executable, "-m", "tests.promises.machine", place, str(lab.seed), str(int(is_naive))],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TZ": zone,
            "LC_ALL": language,
            "PYTHONHASHSEED": seed,
            "JDK_JAVA_OPTIONS": f"-Duser.language={language[:2].lower()}",
        },
        capture_output=True,
        text=True,
        timeout=_MOST_SECONDS,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def control(lab: Lab) -> list[str]:
    """The session takes the zone of the machine."""
    found = [_digests(lab, (zone, "C.UTF-8", "0"), is_naive=True) for zone in _ZONES[:2]]
    return [] if found[0] == found[1] else ["another zone gives other tables"]


PROMISE = Promise(
    "P29",
    "zone, language and hash seed of the machine change no table",
    trials,
    short=2,
    full=32,
    control=control,
    is_long=True,
)
