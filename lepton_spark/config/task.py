"""What kind of thing is predicted, and what fits it: losses, metrics, baselines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

TaskKind = Literal["binary", "classes", "amount"]
Baseline = Literal["majority", "logistic", "mean", "linear", "boosted_trees"]
LossKind = Literal[
    "cross_entropy", "focal", "asymmetric", "squared", "huber", "quantile", "tweedie"
]
Metric = Literal[
    "auc", "pr_auc", "accuracy", "macro_f1", "log_loss", "rmse", "mae", "r2", "pinball"
]
ERRORS = frozenset({"log_loss", "rmse", "mae", "pinball"})  # of these less is better
MEDIAN = 0.5
_SHOWN = (
    ("auc", "pr_auc", "log_loss", "brier"),
    ("rmse", "mae", "r2", "pinball"),
    ("accuracy", "macro_f1", "log_loss", "brier"),
)
_KEYS: Mapping[str, TaskKind] = {"is": "binary", "class": "classes", "value": "amount"}


@dataclass(frozen=True)
class Choices:
    """What fits a kind of task; the first of each is the default, and all baselines are."""

    losses: tuple[LossKind, ...]
    metrics: tuple[Metric, ...]
    baselines: tuple[Baseline, ...]


CHOICES: Mapping[TaskKind, Choices] = {
    "binary": Choices(
        ("cross_entropy", "focal", "asymmetric"),
        ("auc", "pr_auc"),
        ("majority", "logistic", "boosted_trees"),
    ),
    "classes": Choices(
        ("cross_entropy", "focal"),
        ("accuracy", "macro_f1", "log_loss"),
        ("majority", "logistic", "boosted_trees"),
    ),
    "amount": Choices(
        ("squared", "huber", "quantile", "tweedie"),
        ("rmse", "mae", "r2", "pinball"),
        ("mean", "linear", "boosted_trees"),
    ),
}


@dataclass(frozen=True)
class Task:
    """What a model says of each row.

    Args:
        kind: Whether a row is positive, of which class it is, or how much there is of something.
        outputs: Names of the numbers that it says: `score`, the probability of a positive; the
            classes, a probability each; `expected`, an amount; or the quantiles of it, as `q10`.
        quantiles: Of an amount, rising, with 0.5 among them; empty where its mean is said.
        power: Of the variance of an amount whose mean is never negative, after Tweedie; else None.
    """

    kind: TaskKind = "binary"
    outputs: tuple[str, ...] = ("score",)
    quantiles: tuple[float, ...] = ()
    power: float | None = None

    @property
    def main(self) -> int:
        """Which output is the score of an amount or of a positive."""
        return self.quantiles.index(MEDIAN) if self.quantiles else 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kind": self.kind,
            "outputs": list(self.outputs),
            "quantiles": list(self.quantiles),
            "power": self.power,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Task:
        """From `to_dict`.

        Raises:
            ValueError: A kind that is not known, or another number of outputs than it has.
        """
        power = document["power"]
        task = cls(
            document["kind"],
            tuple(map(str, document["outputs"])),
            tuple(map(float, document["quantiles"])),
            None if power is None else float(power),
        )
        few = {"binary": 1, "amount": max(1, len(task.quantiles))}
        if task.kind not in CHOICES or len(task.outputs) != few.get(task.kind, len(task.outputs)):
            raise ValueError("a task of another form")
        return task


def shown_metrics(found: Collection[str]) -> list[str]:
    """Those metrics of a model that are worth a column, the most telling first.

    Args:
        found: Names of all its metrics, and maybe others.
    """
    names = next((names for names in _SHOWN if names[0] in found), ())
    return [name for name in names if name in found]


def quantile_name(quantile: float) -> str:
    """Name of an output: `q10`, `q2_5`."""
    return f"q{100 * quantile:g}".replace(".", "_")


def with_defaults(case: Mapping[str, Any]) -> dict[str, Any]:
    """A case as it was read, with the loss, metric and baselines that fit its label.

    What is not of the form of a case is left for its checks to refuse.
    """
    kind = _kind_of(case)
    parts = {name: case.get(name, {}) for name in ("train", "gate")}
    if kind is None or not all(isinstance(part, Mapping) for part in parts.values()):
        return dict(case)
    choices = CHOICES[kind]
    train, gate = dict(parts["train"]), dict(parts["gate"])
    loss = train.get("loss", {})
    if isinstance(loss, Mapping):
        train["loss"] = {"kind": choices.losses[0], **loss}
        baselines = baselines_of(kind, str(train["loss"]["kind"]))
        train.setdefault("baselines", baselines)
    gate = {"metric": choices.metrics[0], "better_than": choices.baselines[0], **gate}
    return {**case, "train": train, **({"gate": gate} if case.get("gate") is not None else {})}


def baselines_of(kind: TaskKind, loss: str) -> tuple[Baseline, ...]:
    """Baselines that can be fitted: a line has no quantiles."""
    found = CHOICES[kind].baselines
    return tuple(name for name in found if (name, loss) != ("linear", "quantile"))


def _kind_of(case: Mapping[str, Any]) -> TaskKind | None:
    predict = case.get("predict")
    label = predict.get("label") if isinstance(predict, Mapping) else None
    keys: Sequence[str] = [key for key in _KEYS if isinstance(label, Mapping) and key in label]
    return _KEYS[keys[0]] if len(keys) == 1 else None
