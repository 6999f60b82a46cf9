"""Named points at which a test may end, hang or fail a run; inert otherwise.

`LEPTON_FAULT="after_stage_write:kill@2;before_commit:hang;audit:raise(OSError:ENOSPC)"` acts at the
second time the first point is reached, and so on; without `LEPTON_ALLOW_FAULTS=1` it is refused.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass

from lepton_spark.errors import EnvironmentFault, UsageError

POINTS: tuple[str, ...] = (
    "before_read",
    "after_bronze",
    "after_quarantine",
    "after_features",
    "before_stage_write",
    "after_stage_write",
    "before_audit",
    "after_audit",
    "before_lock",
    "after_lock",
    "before_commit",
    "after_commit",
    "before_cleanup",
    "after_cleanup",
    "before_ledger",
)
_HANG_SECONDS = 3600.0
_FAULT = re.compile(
    r"(?P<point>\w+):(?P<action>kill|hang|raise)(\((?P<detail>[\w:.]+)\))?(@(?P<nth>\d+))?"
)
_reached: Counter[str] = Counter()


@dataclass(frozen=True)
class _Fault:
    point: str
    action: str
    detail: str
    nth: int


def reach(point: str) -> None:
    """Act as LEPTON_FAULT says for this point; nothing where it says nothing.

    Raises:
        EnvironmentFault: LEPTON_FAULT is set without LEPTON_ALLOW_FAULTS=1.
        UsageError: LEPTON_FAULT cannot be read, or names no known point.
    """
    text = os.environ.get("LEPTON_FAULT")
    if not text:
        return
    _refuse_in_production()
    _reached[point] += 1
    for fault in _parse(text):
        if fault.point == point and fault.nth == _reached[point]:
            _act(fault)


def _refuse_in_production() -> None:
    if os.environ.get("LEPTON_ALLOW_FAULTS") != "1":
        raise EnvironmentFault(
            "LS-5009",
            "LEPTON_FAULT is set.",
            "it breaks runs on purpose, which only a test may do.",
            "unset LEPTON_FAULT; a test also sets LEPTON_ALLOW_FAULTS=1.",
        )


def _parse(text: str) -> list[_Fault]:
    faults = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        match = _FAULT.fullmatch(part)
        if match is None or match["point"] not in POINTS:
            raise UsageError(
                "LS-0209",
                f"LEPTON_FAULT holds {part!r}.",
                "a fault is <point>:kill|hang|raise(<what>)[@nth]; points are"
                f" {', '.join(POINTS)}.",
                "correct the variable.",
            )
        faults.append(
            _Fault(match["point"], match["action"], match["detail"] or "", int(match["nth"] or 1))
        )
    return faults


def _act(fault: _Fault) -> None:
    if fault.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.action == "hang":
        time.sleep(float(fault.detail or _HANG_SECONDS))
        return
    name, _, detail = fault.detail.partition(":")
    if name == "OSError":
        number = getattr(errno, detail or "EIO")
        raise OSError(number, os.strerror(number), f"fault point {fault.point}")
    raise RuntimeError(f"fault at {fault.point}")
