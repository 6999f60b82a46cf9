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
_MOST_TOLD = 5
LEAK = "suspected leak"
SUSPECT = "the feature that tells most is"
# Shares of the error of a model that says the same of each row. Where a feature is the label, trees
# are left with 2 to 10 % of it, of a log_loss with 1 %; and a tenth of an rmse is an r2 of 0.99.
_TOO_GOOD, _TOO_GOOD_OF = 0.1, {"log_loss": 0.02}
Tested = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one model, and why.

    Args:
        verdict: pass, fail or insufficient.
        value: Metric on test rows, with the ends of its 95 % interval.
        wanted: What the gate asks of the metric, in words.
        difference: How much better than the baseline on the same resamples, with its interval.
    """

    verdict: str
    reasons: tuple[str, ...]
    metric: str
    value: float | None
    low: float | None
    high: float | None
    wanted: str
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

    Returns:
        `insufficient` where a class, or all, have too few test rows, or the metric is not defined.
    """
    own, baseline = tested[name], tested[gate.better_than]
    gate = _with_floor(gate, tested)
    found = own["metrics"][gate.metric]
    better = gain(own["resampled"], baseline["resampled"], gate)
    verdict, reasons = _decide(name, own, better, gate)
    if suspect is not None and any(reason.startswith(LEAK) for reason in reasons):
        reasons.append(f"{SUSPECT} {suspect}")
    return Verdict(
        verdict=verdict,
        reasons=tuple(reasons),
        metric=gate.metric,
        wanted=_wanted(gate),
        better_than=gate.better_than,
        difference=better,
        **found,
    )


def difference(
    own: Sequence[float | None], other: Sequence[float | None]
) -> dict[str, float | None]:
    """A metric minus that of another model, resample by resample: value, low and high."""
    values = np.array(own, dtype=np.float64) - np.array(other, dtype=np.float64)
    return interval(values)


def gain(
    own: Sequence[float | None], other: Sequence[float | None], gate: GateSettings
) -> dict[str, float | None]:
    """How much better than another model, in the metric of the gate: of an error, how much less."""
    return difference(other, own) if gate.is_error else difference(own, other)


def _with_floor(gate: GateSettings, tested: Mapping[str, Tested]) -> GateSettings:
    """The gate with an error that is too good, where the case names none."""
    if gate.yardstick is None:
        return gate
    error = tested[gate.yardstick]["metrics"][gate.metric]["value"] or 0.0
    floor = _TOO_GOOD_OF.get(gate.metric, _TOO_GOOD) * error
    return gate.model_copy(update={"suspicious_below": floor})


def _wanted(gate: GateSettings) -> str:
    low, high = gate.bounds
    if gate.is_error:
        return f"at most {high:g}" + (f" and above {low:g}" if low else "")
    return f"at least {low:g} and at most {high:g}"


def _decide(
    name: str, own: Tested, better: Mapping[str, float | None], gate: GateSettings
) -> tuple[str, list[str]]:
    missing = _missing(own)
    value, low = own["metrics"][gate.metric]["value"], better["low"]
    if value is None:
        missing.append(f"{gate.metric} is not defined on the test rows")
    if missing:
        return "insufficient", missing
    reasons = _out_of_bounds(value, gate)
    if name == gate.better_than:
        reasons.append("it is the baseline that others must beat")
    elif low is None or low <= 0:
        reasons.append(
            f"not better than {gate.better_than}: the 95 % interval of the difference begins at "
            f"{'nothing' if low is None else format(low, '.4f')}"
        )
    return ("fail", reasons) if reasons else ("pass", [])


def _out_of_bounds(value: float, gate: GateSettings) -> list[str]:
    lowest, highest = gate.bounds
    told = f"{gate.metric} {value:.4f} is"
    see = "see that no feature knows the label, or"
    if gate.is_error:
        leak = (
            f"{LEAK}: {gate.metric} {value:.4g} is not above {lowest:.4g}; {see} set a lower"
            " gate.suspicious_below"
        )
        return [leak] * (value <= lowest) + [f"{told} above the limit {highest:g}"] * (
            value > highest
        )
    leak = f"{LEAK}: {told} above {highest}; {see} raise gate.suspicious_above"
    return [leak] * (value > highest) + [f"{told} below the floor {lowest}"] * (value < lowest)


def _missing(own: Tested) -> list[str]:
    if "positives" in own:
        negatives = own["rows"] - own["positives"]
        found = {"positives": own["positives"], "negatives": negatives}
    elif "classes" in own:
        found = {f"rows of {name}": count for name, count in own["classes"].items()}
    else:
        found = {"rows": own["rows"]}
    few = {what: count for what, count in found.items() if count < MIN_OF_CLASS}
    reasons = [
        f"{few[what]} {what} among the test rows, {MIN_OF_CLASS} are needed"
        for what in sorted(few, key=lambda what: few[what])[:_MOST_TOLD]
    ]
    if len(few) > _MOST_TOLD:
        reasons.append(f"{len(few) - _MOST_TOLD} more classes have too few")
    if own["units"] < MIN_UNITS:
        reasons.append(f"{own['units']} units to resample, {MIN_UNITS} are needed")
    return reasons
