"""How the candidates of a date were trained, and what they reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002  # typer reads annotations

from lepton_spark.cli.options import CONF, AsOf, Case, Choices, ConfDir, Env, Json, Set, request_of
from lepton_spark.cli.say import carry_out
from lepton_spark.cli.tables import align, digits
from lepton_spark.config.task import shown_metrics
from lepton_spark.job.run import run_stages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from lepton_spark.context import RunContext, StageResult
    from lepton_spark.job.outcome import Outcome

_HEAD = ("epoch", "loss", "validation", "rows/s", "read", "step", "allreduce", "validate")


def add_to(app: typer.Typer) -> None:
    """Add report."""
    app.command("report", rich_help_panel="Answers")(report)


def report(
    case: Case,
    as_of: AsOf = None,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    json: Json = False,
) -> int:
    """Write a page on how the models of a date were trained, and say what held training up.

    lepton report shop --as-of 2024-01-31
    """
    choices = Choices(as_of, env, conf_dir, set_, 0, allow_empty=False, allow_future=False)

    def work(context: RunContext) -> Mapping[date, list[StageResult]]:
        """Where the page was written, under its day."""
        from lepton_spark.report.stage import report as write

        return {context.as_of: run_stages(context, [("report", write)])}

    return carry_out(request_of("report", case, choices), work, _words, is_json=json)


def _words(outcome: Outcome) -> str:
    """The models, the epochs, the bottleneck and where the page is."""
    facts = [result.facts for results in outcome.nights.values() for result in results]
    return "\n".join(show_report(each) for each in facts)


def show_report(facts: Mapping[str, Any]) -> str:
    """What a page says, in a few lines."""
    metric = shown_metrics(facts["models"][0])[0]
    models = [("model", "verdict", metric)]
    models += [
        (each["model"], each["verdict"], digits(each[metric]["value"])) for each in facts["models"]
    ]
    parts = [align(models)]
    if facts["epochs"]:
        parts += [align([_HEAD, *map(_epoch, facts["epochs"])]), f"{facts['bottleneck']}\n"]
    return "\n".join([*parts, f"{facts['path']}\n"])


def _epoch(entry: Mapping[str, Any]) -> Sequence[str]:
    from lepton_spark.train.measured import rates

    rate = rates(entry).get("rows_per_second", 0.0)
    timed = ("read_seconds", "step_seconds", "allreduce_seconds", "validate_seconds")
    return (
        f"{entry['epoch']}",
        f"{entry['loss']:.4f}",
        f"{entry['validation_loss']:.4f}",
        f"{rate:,.0f}",
        *(f"{entry.get(name) or 0.0:.1f} s" for name in timed),
    )
