"""What a rule of a table was found to say, and the error that follows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.config.table_rules import Promise, Severity

logger = logging.getLogger(__name__)
_MOST_TOLD = 3


@dataclass(frozen=True)
class Finding:
    """A broken rule.

    Args:
        code: Of the error, `LS-21` and two digits.
        what: What was found, without any value of a personal column.
        why: What it looks like, or what it would do.
        rule: That is broken.
        excess: How far beyond what is allowed, 1 for just so; the worst is told first.
    """

    code: str
    what: str
    why: str
    rule: Promise
    excess: float = 1.0

    @property
    def severity(self) -> Severity:
        """Whether it is told only or refuses the table."""
        return self.rule.severity


def warnings(findings: Sequence[Finding]) -> list[str]:
    """What is told only, in words."""
    return [f"{each.code}: {each.what}" for each in findings if each.severity == "warning"]


def require_kept(findings: Sequence[Finding], source: str, state: str) -> None:
    """See that no rule is broken whose severity refuses the table; warnings are logged.

    Args:
        findings: All that were found.
        source: Name of the source.
        state: What is true of the table now.

    Raises:
        DataError: The worst of the gravest, with the next ones and the number of the others.
    """
    for told in warnings(findings):
        logger.warning("%s: %s", source, told)
    refusing = [each for each in findings if each.severity != "warning"]
    if not refusing:
        return
    ordered = sorted(refusing, key=lambda each: (each.severity != "critical", -each.excess))
    worst, *others = ordered
    more = "".join(f"\n  Also: {each.what}" for each in others[: _MOST_TOLD - 1])
    hidden = len(ordered) - _MOST_TOLD
    if hidden > 0:
        more += f"\n  and {hidden} more"
    raise DataError(
        worst.code,
        f"{source}: {worst.what}{more}",
        f"{worst.why}; the contract promises it at {worst.rule.place or 'quality'}.",
        f"correct the files of {source}; if they are right, change the rule, or give it"
        " severity: warning.",
        state,
    )
