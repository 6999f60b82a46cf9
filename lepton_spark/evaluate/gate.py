"""Whether a model may be used: pass, fail, or not enough rows to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_spark.evaluate.measure import interval

if TYPE_CHECKING:
    from lepton_spark.config.evaluate import GateSettings

MIN_OF_CLASS = 30
MIN_UNITS = 10
LEAK = "suspected leak"
SUSPECT = "the feature that tells most is"
Tested = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one model, and why.

    Args:
        verdict: pass, fail or insufficient.
        value: Metric on test rows, with the ends of its 95 % interval.
        difference: Metric minus that of the baseline on the same resamples, with its interval.
    """

    verdict: str
    reasons: tuple[str, ...]
    metric: str
    value: float | None
    low: float | None
    high: float | None
    at_least: float
    suspicious_above: float
    better_than: str
    difference: Mapping[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "reasons": list(self.reasons)}


def judge(
    name: str, tested: Mapping[str, Tested], gate: GateSettings, *, suspect: str | None = None
) -> Verdict:
    """Judge one model.

    Args:
        name: The model.
        tested: By model, as `measure` gives it on the test rows, `resampled` with the metric of
            the gate on the same resamples.
        gate: Floor, baseline and the score that is too good.
        suspect: The feature that tells most, for the reason of a score that is too good.
    """
    own, baseline = tested[name], tested[gate.better_than]
    found = own["metrics"][gate.metric]
    gain = difference(own["resampled"], baseline["resampled"])
    verdict, reasons = _decide(name, own, gain, gate)
    if suspect is not None and any(reason.startswith(LEAK) for reason in reasons):
        reasons.append(f"{SUSPECT} {suspect}")
    return Verdict(
        verdict=verdict,
        reasons=tuple(reasons),
        metric=gate.metric,
        at_least=gate.at_least,
        suspicious_above=gate.suspicious_above,
        better_than=gate.better_than,
        difference=gain,
        **found,
    )


def difference(
    own: Sequence[float | None], other: Sequence[float | None]
) -> dict[str, float | None]:
    """A metric minus that of another model, resample by resample: value, low and high."""
    values = np.array(own, dtype=np.float64) - np.array(other, dtype=np.float64)
    return interval(values)


def _decide(
    name: str, own: Tested, gain: Mapping[str, float | None], gate: GateSettings
) -> tuple[str, list[str]]:
    missing = _missing(own)
    if missing:
        return "insufficient", missing
    value, low = own["metrics"][gate.metric]["value"], gain["low"]
    reasons = []
    if value > gate.suspicious_above:
        reasons.append(
            f"{LEAK}: {gate.metric} {value:.4f} is above {gate.suspicious_above}; see that "
            "no feature knows the label, or raise gate.suspicious_above"
        )
    if value < gate.at_least:
        reasons.append(f"{gate.metric} {value:.4f} is below the floor {gate.at_least}")
    if name == gate.better_than:
        reasons.append("it is the baseline that others must beat")
    elif low is None or low <= 0:
        reasons.append(
            f"not better than {gate.better_than}: the 95 % interval of the difference begins at "
            f"{'nothing' if low is None else format(low, '.4f')}"
        )
    return ("fail", reasons) if reasons else ("pass", [])


def _missing(own: Tested) -> list[str]:
    negatives = own["rows"] - own["positives"]
    found = {"positives": own["positives"], "negatives": negatives}
    reasons = [
        f"{count} {what} among the test rows, {MIN_OF_CLASS} are needed"
        for what, count in found.items()
        if count < MIN_OF_CLASS
    ]
    if own["units"] < MIN_UNITS:
        reasons.append(f"{own['units']} units to resample, {MIN_UNITS} are needed")
    return reasons
