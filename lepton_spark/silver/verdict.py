"""Whether the rows of a batch may be published, by what their contract promises of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lepton_spark.config.table_rules import Promise
from lepton_spark.quality.expectation import findings_of
from lepton_spark.quality.finding import Finding

if TYPE_CHECKING:
    from lepton_spark.config.contract import Contract
    from lepton_spark.quality.accounting import Tally
    from lepton_spark.quality.metrics import Metric


def verdict(contract: Contract, counted: Tally, earlier: Sequence[Metric]) -> list[Finding]:
    """The rules that a batch breaks: critical ones of rows, then those of the table.

    Args:
        contract: What is promised.
        counted: What became of the rows, and what was measured of them.
        earlier: What was measured of other days, and of these by other runs.
    """
    severities = contract.row_severities
    critical = [_critical(counted, code) for code, each in severities.items() if each == "critical"]
    warned = [code for code, each in severities.items() if each == "warning"]
    return [
        *(finding for finding in critical if finding is not None),
        *_warned(counted.measured, warned),
        *findings_of(contract.rules, counted.measured, earlier),
    ]


def _critical(counted: Tally, code: str) -> Finding | None:
    number = counted.reasons.get(code, 0)
    if not number:
        return None
    where = f", such as {counted.samples[code]}" if code in counted.samples else ""
    what = f"{number} new rows have {code}{where}."
    return Finding("LS-2108", what, "the rule is critical", Promise(severity="critical"), number)


def _warned(measured: Sequence[Metric], codes: Sequence[str]) -> list[Finding]:
    numbers = dict.fromkeys(codes, 0.0)
    for metric in measured:
        code = f"{metric.name}:{metric.column}"
        if code in numbers and metric.part is None:
            numbers[code] += metric.value or 0.0
    promise = Promise(severity="warning")
    return [
        Finding("LS-2109", f"{number:,.0f} new rows have {code}.", "they are kept", promise)
        for code, number in numbers.items()
        if number
    ]
