"""Plots of a training as SVG text; made without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lepton_spark.train.phases import PHASES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = (8.0, 2.8)  # inches


def curves(history: Sequence[Mapping[str, Any]]) -> str:
    """Loss of training and validation by epoch."""
    return lines(history, {"loss": "training", "validation_loss": "validation"}, "loss")


def lines(
    history: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
    what: str,
    *,
    scale: str = "linear",
) -> str:
    """Numbers of each epoch as lines; empty where none of them was measured.

    Args:
        history: One entry an epoch.
        labels: By name of the number; one that not every epoch has is left out.
        what: They are, with their unit.
        scale: log where they differ by orders of magnitude.
    """
    shown = [name for name in labels if all(entry.get(name) is not None for entry in history)]
    if not shown:
        return ""
    figure, axes = _figure(what)
    axes.set_yscale(scale)
    epochs = [entry["epoch"] for entry in history]
    for name in shown:
        axes.plot(epochs, [entry[name] for entry in history], marker="o", label=labels[name])
    axes.legend(frameon=False)
    return _svg(figure)


def by_rank(history: Sequence[Mapping[str, Any]]) -> str:
    """Training rows of each rank by epoch; empty where they were not counted."""
    ranks = min(len(entry.get("rows_by_rank") or ()) for entry in history)
    names = {f"rank {rank}": f"rank {rank}" for rank in range(ranks)}
    counted = [
        {"epoch": entry["epoch"], **dict(zip(names, entry.get("rows_by_rank") or (), strict=False))}
        for entry in history
    ]
    return lines(counted, names, "rows of a rank")


def spent(history: Sequence[Mapping[str, Any]]) -> str:
    """Seconds of each epoch by phase, and of allreduce within steps; empty where not measured."""
    if "step_seconds" not in history[0]:
        return ""
    figure, axes = _figure("seconds of the slowest worker")
    epochs = [entry["epoch"] for entry in history]
    below = [0.0] * len(history)
    for phase in PHASES:
        seconds = _seconds(history, phase)
        axes.bar(epochs, seconds, bottom=below, label=phase.replace("_", " "))
        if phase == "step" and any(summed := _seconds(history, "allreduce")):
            label = "allreduce, of the step"
            axes.bar(epochs, summed, bottom=below, label=label, fill=False, hatch="///")
        below = [low + more for low, more in zip(below, seconds, strict=True)]
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _svg(figure)


def _seconds(history: Sequence[Mapping[str, Any]], phase: str) -> list[float]:
    return [float(entry.get(f"{phase}_seconds") or 0.0) for entry in history]


def _figure(what: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure  # noqa: PLC0415  # takes a second, and only reports plot
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  # as above

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel("epoch")
    axes.set_ylabel(what)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure) -> str:
    """The picture without its XML head, which names a document type elsewhere."""
    from matplotlib import rc_context  # noqa: PLC0415  # as above

    target = io.StringIO()
    said = {"Date": None, "Title": figure.axes[0].get_ylabel()}
    with rc_context({"svg.hashsalt": "lepton"}):  # names in the picture would be others each time
        figure.savefig(target, format="svg", metadata=said)
    text = target.getvalue()
    return text[text.index("<svg") :]
