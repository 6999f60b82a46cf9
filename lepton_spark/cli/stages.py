"""Commands that run stages: the journey, one stage of it, or nights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from lepton_spark import journey
from lepton_spark.cli import features
from lepton_spark.cli.closing import closing
from lepton_spark.cli.options import (
    CONF,
    AllowEmpty,
    AllowFuture,
    AsOf,
    Case,
    Choices,
    ConfDir,
    Env,
    Json,
    Revision,
    ScoreDate,
    Set,
    Until,
    request_of,
)
from lepton_spark.cli.say import carry_out
from lepton_spark.cli.tables import show
from lepton_spark.config.loader import load_environment
from lepton_spark.errors import UsageError
from lepton_spark.job.request import parse_day
from lepton_spark.job.run import run_stages

if TYPE_CHECKING:
    import typer

    from lepton_spark.context import RunContext
    from lepton_spark.job.outcome import Outcome

_HELP = {
    "land": "Read new raw files into bronze, each exactly once.",
    "refine": "Check and clean bronze into silver; refused rows go to quarantine with reasons.",
    "resolve": "Find rows that mean the same, without labels, and make one entity of them.",
    "features": "Compute the features of every day up to --as-of, from what was known on each.",
    "dataset": "Split features and labels into train, validate and test.",
    "train": "Train the network on its workers, and the baselines beside it.",
    "evaluate": "Judge every candidate, with intervals, and put it through the gate.",
    "register": "Make the best candidate that passed the gate the champion.",
    "score": "Predict the rows of --as-of with the champion and publish them.",
}


def add_to(app: typer.Typer) -> None:
    """Add run, nightly and one command a stage."""
    app.command("run", rich_help_panel="Journey")(run)
    app.command("nightly", rich_help_panel="Journey")(nightly)
    for name, stage in journey.STAGES.items():
        command = _stage(name, stage)
        if name == "features":
            command = features.command(command)
        app.command(name, help=_HELP[name], rich_help_panel="One stage")(command)


def run(
    case: Case,
    as_of: AsOf = None,
    score_date: ScoreDate = None,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    revision: Revision = 0,
    allow_empty: AllowEmpty = False,
    allow_future: AllowFuture = False,
    json: Json = False,
) -> int:
    """From raw files to a champion, and one scored day with --score-date.

    lepton run flight_delay --as-of 2014-01-02 --score-date 2013-12-15
    """
    choices = Choices(as_of, env, conf_dir, set_, revision, allow_empty, allow_future)
    request = request_of("run", case, choices)
    day = parse_day(score_date, "--score-date") if score_date is not None else None
    request = replace(request, until=day)
    return carry_out(request, lambda given: journey.learn(given, day), _words, is_json=json)


def nightly(
    case: Case,
    as_of: AsOf = None,
    until: Until = None,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    revision: Revision = 0,
    allow_empty: AllowEmpty = False,
    allow_future: AllowFuture = False,
    json: Json = False,
) -> int:
    """Land what is new, refine it, compute the day's features, score and publish.

    Give the date as your scheduler knows it; the same night twice is published once.

    lepton nightly flight_delay --as-of 2013-12-16 --until 2013-12-18
    """
    choices = Choices(as_of, env, conf_dir, set_, revision, allow_empty, allow_future)
    request = request_of("nightly", case, choices)
    last = request.as_of if until is None else parse_day(until, "--until")
    _refuse_backwards(request.as_of, last)
    request = replace(request, until=last)
    return carry_out(request, lambda given: journey.nights(given, last), _words, is_json=json)


def _refuse_backwards(first: date, last: date) -> None:
    if last < first:
        raise UsageError(
            "LS-0208",
            f"--until {last} is before --as-of {first}.",
            "nights run forward.",
            "swap them, or leave --until out.",
        )


def _stage(name: str, stage: journey.Stage) -> Callable[..., int]:
    def command(
        case: Case,
        as_of: AsOf = None,
        env: Env = "local",
        conf_dir: ConfDir = CONF,
        set_: Set = None,
        revision: Revision = 0,
        allow_empty: AllowEmpty = False,
        allow_future: AllowFuture = False,
        json: Json = False,
    ) -> int:
        """The exit code of this one stage."""
        choices = Choices(as_of, env, conf_dir, set_, revision, allow_empty, allow_future)
        request = request_of(name, case, choices)

        def work(context: RunContext) -> journey.Nights:
            """The stage's result, under its day."""
            return {context.as_of: run_stages(context, [(name, stage)])}

        return carry_out(request, work, _words, is_json=json)

    return command


def _words(outcome: Outcome) -> str:
    request = outcome.request
    if request is None or request.command != "run" or outcome.ending.exit_code:
        return show(outcome)
    environment = load_environment(request.conf_dir, request.environment, request.overrides)
    return f"{show(outcome)}{closing(outcome, environment)}"
