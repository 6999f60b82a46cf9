"""The command `features`: computes them, says what they are, or what event time would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    Set,
    request_of,
)
from lepton_spark.cli.say import carry_out, say
from lepton_spark.cli.tables import align
from lepton_spark.errors import UsageError
from lepton_spark.job.request import parse_name

if TYPE_CHECKING:
    from datetime import date

    from lepton_spark.context import RunContext, StageResult
    from lepton_spark.job.outcome import Outcome
    from lepton_spark.job.request import Request

ALL = "all"
Explain = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Say what a feature is, or `all`; starts nothing and needs no --as-of."
    ),
]

LeakReport = Annotated[
    bool,
    typer.Option("--leak-report", help="Count rows that would differ, had event time been used."),
]


def command(compute: Callable[..., int]) -> Callable[..., int]:
    """The command.

    Args:
        compute: Runs the stage, given what every stage takes.
    """

    def features(
        case: Case,
        as_of: AsOf = None,
        explain: Explain = None,
        leak_report: LeakReport = False,
        env: Env = "local",
        conf_dir: ConfDir = CONF,
        set_: Set = None,
        revision: Revision = 0,
        allow_empty: AllowEmpty = False,
        allow_future: AllowFuture = False,
        json: Json = False,
    ) -> int:
        """The exit code of the stage, of one feature's explanation or of the leak report."""
        if explain is not None:
            return _explain(case, explain, (conf_dir, env, tuple(set_ or ())), is_json=json)
        if leak_report:
            choices = Choices(as_of, env, conf_dir, set_, revision, allow_empty, allow_future)
            return _report(request_of("features", case, choices), is_json=json)
        return compute(case, as_of, env, conf_dir, set_, revision, allow_empty, allow_future, json)

    return features


def _explain(
    case: str, wanted: str, place: tuple[Path, str, tuple[str, ...]], *, is_json: bool
) -> int:
    from lepton_spark.config.check import load_all
    from lepton_spark.config.nearest import nearest
    from lepton_spark.features.explanation import explain

    conf_dir, env, overrides = place
    name = parse_name(case, "CASE")
    loaded = load_all(conf_dir, name, parse_name(env, "--env"), overrides)
    known = explain(loaded.case, loaded.contracts)
    if wanted != ALL and wanted not in known:
        raise UsageError(
            "LS-0218",
            f"--explain names no feature of {name}.",
            "it takes the name of a column of the feature table, or `all`.",
            nearest(wanted, known),
        )
    found = list(known.values()) if wanted == ALL else [known[wanted]]
    facts = {
        "status": "done",
        "command": "features",
        "exit_code": 0,
        "case": name,
        "features": [each.facts() for each in found],
    }
    return say(facts, "" if is_json else "\n".join(map(str, found)))


def _report(request: Request, *, is_json: bool) -> int:
    from lepton_spark.config.check import load_all
    from lepton_spark.config.happened_at import require_happened_at
    from lepton_spark.job.run import run_stages

    overrides = request.overrides
    loaded = load_all(request.conf_dir, request.case, request.environment, overrides)
    require_happened_at(loaded.case)

    def work(context: RunContext) -> dict[date, list[StageResult]]:
        """What the leak report came to, under its day."""
        from lepton_spark.features.leak import LEAKS
        from lepton_spark.features.stage import report_leaks

        return {context.as_of: run_stages(context, [(LEAKS, report_leaks)])}

    return carry_out(request, work, _table, is_json=is_json)


def _table(outcome: Outcome) -> str:
    """A line a feature, those that would differ most first."""
    rows = [
        (name, f"{told['rows']:,}", f"{told['differing']:,}", _share(told))
        for results in outcome.nights.values()
        for result in results
        for name, told in result.facts["features"].items()
    ]
    if not rows:
        return ""
    return align([("feature", "rows", "would differ", "share"), *rows]) + "\n"


def _share(told: Mapping[str, int]) -> str:
    return f"{told['differing'] / told['rows']:.4f}" if told["rows"] else ""
