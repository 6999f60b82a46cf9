"""One page of HTML: inert, without a script and without a request to anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

from lepton_spark.config.task import shown_metrics
from lepton_spark.report.plot import by_rank, curves, lines, spent
from lepton_spark.train.measured import RATED, rates

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; color: #222 }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f4f4f4 }
svg { max-width: 100%; height: auto }
"""
_OF_EPOCH = (
    "epoch", "loss", "validation_loss", "validation_auc", "validation_accuracy", "validation_mae",
    "rows", "seconds", "rows_per_second", "read_seconds", "hand_over_seconds", "step_seconds",
    "allreduce_seconds", "validate_seconds", "slowest_rank", "waited_seconds", "peak_mib",
)  # fmt: skip


@dataclass(frozen=True)
class Story:
    """What a page tells.

    Args:
        metric: Of the gate.
        models: As `side_by_side` gives them, best first.
        history: One entry an epoch.
        bottleneck: What held training up, in a sentence.
    """

    case: str
    as_of: date
    metric: str
    models: Sequence[Mapping[str, Any]]
    history: Sequence[Mapping[str, Any]]
    bottleneck: str


def page_of(story: Story) -> str:
    """The page; every value in it is escaped."""
    title = escape(f"{story.case}, {story.as_of}")
    parts = [f"<h1>{title}</h1>", "<h2>Models</h2>", _models(story)]
    if story.history:
        parts += ["<h2>Training</h2>", f"<p>{escape(story.bottleneck)}</p>"]
        history = [{**entry, **rates(entry)} for entry in story.history]
        parts += [curves(history), _validated(history), spent(history), *_work(history)]
        parts.append(_epochs(history))
    return _html(title, parts)


def _validated(history: Sequence[Mapping[str, Any]]) -> str:
    """The metrics that were measured on validation rows, beside the loss."""
    begin = "validation_"
    names = [name for name in history[0] if name.startswith(begin) and name != f"{begin}loss"]
    return lines(history, {name: name.removeprefix(begin) for name in names}, "validation rows")


def _work(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """How fast rows went through each phase, which rank had them, and the memory they took."""
    phases = {f"{name}_rows_per_second": name.replace("_", " ") for name in RATED}
    names = {"rows_per_second": "whole epoch", **phases}
    speeds = lines(history, names, "rows per second", scale="log")
    memory = lines(history, {"peak_mib": "largest of the workers"}, "peak memory, MiB")
    return [speeds, by_rank(history), memory]


def _html(title: str, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _models(story: Story) -> str:
    """A line a model: what it reached on test rows, and whether it may score."""
    chosen = f"validate_{story.metric}"
    metrics = shown_metrics(story.models[0])
    head = ["model", "verdict", f"{story.metric}, validation", *metrics]
    rows = []
    for model in story.models:
        values = [_value(model[name]) for name in metrics]
        rows.append([model["model"], model["verdict"], _value(model[chosen]), *values])
    return _table(head, rows)


def _value(found: Mapping[str, Any]) -> str:
    if found["low"] is None or found["high"] is None:
        return _digits(found["value"])
    return f"{_digits(found['value'])} ({_digits(found['low'])} to {_digits(found['high'])})"


def _epochs(history: Sequence[Mapping[str, Any]]) -> str:
    names = [name for name in _OF_EPOCH if name in history[0]]
    rows = [[_digits(entry.get(name)) for name in names] for entry in history]
    return _table([name.replace("_", " ") for name in names], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    def line(cells: Sequence[Any], tag: str) -> str:
        """A row of the table, its cells escaped."""
        return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _digits(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"
