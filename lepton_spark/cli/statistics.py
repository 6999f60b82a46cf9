"""What the columns of tables hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lepton_spark.cli.options import (
    CONF,
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
from lepton_spark.cli.say import carry_out
from lepton_spark.cli.tables import align, printable
from lepton_spark.job.run import run_stages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from lepton_spark.context import RunContext, StageResult
    from lepton_spark.job.outcome import Outcome

_NUMBERS = ("mean", "deviation", "min", "quantile_0.01", "quantile_0.5", "quantile_0.99", "max")
_HEAD = ("column", "kind", "nulls", "distinct", "mean", "deviation", "min", "p1", "p50", "p99",
         "max", "most frequent")  # fmt: skip
_LONGEST = 24
_MOST_PAIRS = 5

Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--table",
        metavar="NAME",
        help="A source, or a table such as gold.shop_features; may be repeated. "
        "All clean tables where it is left out.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add statistics."""
    app.command("statistics", rich_help_panel="Answers")(statistics)


def statistics(
    case: Case,
    table: Tables = None,
    as_of: AsOf = None,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    revision: Revision = 0,
    json: Json = False,
) -> int:
    """Say what the columns of clean tables or features hold, and keep it in ops.metrics.

    lepton statistics shop --table orders --as-of 2024-01-31
    """
    from lepton_spark.config.loader import load_case
    from lepton_spark.statistics.subject import chosen

    choices = Choices(as_of, env, conf_dir, set_, revision, allow_empty=False, allow_future=False)
    request = request_of("statistics", case, choices)
    names = table or []
    # A name that is no table is told before Spark starts.
    chosen(load_case(request.conf_dir, request.case, request.overrides), names)
    profiles: dict[str, dict[str, Any]] = {}

    def work(context: RunContext) -> Mapping[date, list[StageResult]]:
        """The result under its day; with `--json` the profiles are among its facts."""
        from lepton_spark.statistics.stage import measure, recorded

        (result,) = run_stages(context, [("statistics", lambda given: measure(given, names))])
        profiles.update(recorded(context, result))
        facts = {**result.facts, "profiles": profiles} if json else result.facts
        return {context.as_of: [replace(result, facts=facts)]}

    def words(_: Outcome) -> str:
        """The profiles as text, one table after the other."""
        return "\n".join(map(show_profile, profiles, profiles.values()))

    return carry_out(request, work, words, is_json=json)


def show_profile(table: str, profile: Mapping[str, Any]) -> str:
    """One line a column, and the strongest correlations.

    Args:
        table: Its name.
        profile: As `lepton_spark.statistics.document` makes it.
    """
    lines = [_HEAD, *(_line(name, column) for name, column in profile["columns"].items())]
    text = f"{table}, {profile['rows']:,.0f} rows\n{align(lines)}"
    strong = profile["correlations"][:_MOST_PAIRS]
    if strong:
        pairs = [(one, other, _digits(value)) for one, other, value in strong]
        text += "\n" + align([("strongest correlations", "", ""), *pairs])
    return text


def _line(name: str, column: Mapping[str, Any]) -> tuple[str, ...]:
    """What is told of one column; of a text the numbers are its letters."""
    is_text = column["kind"] == "text"
    prefix = "length_" if is_text else ""
    most = column.get("frequent", [None])[0]
    frequent = "" if most is None else f"{_shortened(most['value'])}: {most['rows']:,.0f}"
    return (
        name,
        "text, letters" if is_text else column["kind"],
        "" if column["null_rate"] is None else f"{column['null_rate']:.1%}",
        f"{column['distinct']:,.0f}" if "distinct" in column else "",
        *(_digits(column.get(f"{prefix}{each}")) for each in _NUMBERS),
        frequent,
    )


def _digits(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.4g}"


def _shortened(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
