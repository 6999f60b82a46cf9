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
    figure, axes = _figure("loss")
    epochs = [entry["epoch"] for entry in history]
    for name, label in (("loss", "training"), ("validation_loss", "validation")):
        axes.plot(epochs, [entry[name] for entry in history], marker="o", label=label)
    axes.legend(frameon=False)
    return _svg(figure)


def spent(history: Sequence[Mapping[str, Any]]) -> str:
    """Seconds of each epoch by phase; empty where they were not measured."""
    if "step_seconds" not in history[0]:
        return ""
    figure, axes = _figure("seconds, mean of the workers")
    epochs = [entry["epoch"] for entry in history]
    below = [0.0] * len(history)
    for phase in PHASES:
        seconds = [float(entry.get(f"{phase}_seconds") or 0.0) for entry in history]
        axes.bar(epochs, seconds, bottom=below, label=phase.replace("_", " "))
        below = [low + more for low, more in zip(below, seconds, strict=True)]
    axes.legend(frameon=False, ncols=len(PHASES))
    return _svg(figure)


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
    with rc_context({"svg.hashsalt": "lepton"}):  # names in the picture would be others each time
        figure.savefig(target, format="svg", metadata={"Date": None})
    text = target.getvalue()
    return text[text.index("<svg") :]
