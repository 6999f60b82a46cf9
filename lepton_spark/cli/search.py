"""Which settings a case is best trained with."""

from __future__ import annotations

import json as json_
import shlex
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002  # typer reads annotations

from lepton_spark.cli.closing import options_of
from lepton_spark.cli.options import CONF, AsOf, Case, Choices, ConfDir, Env, Json, Set, request_of
from lepton_spark.cli.say import carry_out
from lepton_spark.cli.tables import align, printable
from lepton_spark.job.run import run_stages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from lepton_spark.context import RunContext, StageResult
    from lepton_spark.job.outcome import Outcome

_HEAD = ("trial", "loss", "spread", "epochs", "seconds", "end")


def add_to(app: typer.Typer) -> None:
    """Add search."""
    app.command("search", rich_help_panel="One stage")(search)


def search(
    case: Case,
    as_of: AsOf = None,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    json: Json = False,
) -> int:
    """Try the settings that `search` of the case names, on training and validation rows.

    Needs the dataset of the date. Given again, it goes on where it was stopped.

    lepton search shop --as-of 2024-01-31 --set search.budget_minutes=120
    """
    choices = Choices(as_of, env, conf_dir, set_, 0, allow_empty=False, allow_future=False)

    def work(context: RunContext) -> Mapping[date, list[StageResult]]:
        """The search's result under its day."""
        from lepton_spark.registry.searched import search_and_log

        return {context.as_of: run_stages(context, [("search", search_and_log)])}

    return carry_out(request_of("search", case, choices), work, _words, is_json=json)


def _words(outcome: Outcome) -> str:
    request = outcome.request
    if request is None:
        return ""
    given = [each for each in request.overrides if not each.startswith("search")]
    command = f"lepton run {request.case} --as-of {request.as_of}{options_of(request, given)}"
    return "".join(
        show_search(result.facts, command)
        for results in outcome.nights.values()
        for result in results
    )


def show_search(facts: Mapping[str, Any], command: str) -> str:
    """The trials, the best of them, and how to train with its settings.

    Args:
        facts: As `lepton_spark.search.told` makes them.
        command: What the settings are appended to.
    """
    best, estimate = facts["best"], facts["estimate"]
    names = list(best["settings"])
    lines = [(*_HEAD, *names), *(_line(trial, names) for trial in facts["trials"])]
    used = f"{facts['used_minutes']:.1f} of {facts['budget_minutes']:g} minutes"
    told = [("best", f"trial {best['trial']}, validation loss {_with_spread(best)}, {used}")]
    if estimate is not None:
        codes = " ".join(sorted({each["code"] for each in estimate["failed"]}))
        missing = f", {estimate['missing']} not measured" if estimate["missing"] else ""
        missing += f" ({codes})" if codes else ""
        folds = f"{len(estimate['folds'])} outer folds{missing}"
        told.append(("estimate", f"loss {_with_spread(estimate)} on {folds}, which chose nothing"))
    settings = "".join(f" --set {shlex.quote(each)}" for each in best["set"])
    told.append(("next", printable(command + settings)))
    return align(lines) + "\n" + "".join(f"{name:<9} {text}\n" for name, text in told)


def _line(trial: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    settings = trial["settings"]
    return (
        str(trial["trial"]),
        _digits(trial["loss"]),
        _digits(trial["spread"]),
        "+".join(map(str, trial["epochs"])),
        f"{trial['seconds']:.1f}",
        trial["code"] or {"median": "above median", "time": "out of time"}.get(
            trial["stopped"], trial["end"]
        ),
        *(_value(settings[name]) if name in settings else "" for name in names),
    )  # fmt: skip


def _with_spread(told: Mapping[str, Any]) -> str:
    """A mean, and the deviation of its folds where there are several."""
    spread = "" if told["spread"] is None else f" (folds +- {_digits(told['spread'])})"
    return f"{_digits(told['loss'])}{spread}"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else printable(json_.dumps(value))


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
