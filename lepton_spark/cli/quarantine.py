"""What was refused and why, and another judgement after a fix."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lepton_spark import journey
from lepton_spark.cli.options import (
    CONF,
    AllowFuture,
    AsOf,
    Case,
    Choices,
    ConfDir,
    Env,
    Json,
    Set,
    request_of,
)
from lepton_spark.cli.say import carry_out, say
from lepton_spark.cli.tables import align, printable, show
from lepton_spark.config.nearest import nearest
from lepton_spark.errors import UsageError
from lepton_spark.job.outcome import tell
from lepton_spark.job.run import execute, run_stages

if TYPE_CHECKING:
    from collections.abc import Collection

    from lepton_spark.context import RunContext, StageResult
    from lepton_spark.job.outcome import Outcome
    from lepton_spark.job.request import Request
    from lepton_spark.replay.selection import Selection

# The last day whose moment later tools can hold: no row arrives after it.
_LAST_DAY = date(2261, 12, 30)

Replay = Annotated[
    bool,
    typer.Option("--replay", help="Judge the rows again with the settings as they are now."),
]
OneSource = Annotated[str | None, typer.Option(metavar="NAME", help="Only rows of this source.")]
OneReason = Annotated[
    str | None, typer.Option(metavar="CODE", help="Only rows with this reason, such as not_int.")
]
Files = Annotated[bool, typer.Option("--files", help="A line for each file too.")]


def add_to(app: typer.Typer) -> None:
    """Add quarantine."""
    app.command("quarantine", rich_help_panel="Answers")(quarantine)


def quarantine(
    case: Case,
    as_of: AsOf = None,
    source: OneSource = None,
    reason: OneReason = None,
    files: Files = False,
    replay: Replay = False,
    env: Env = "local",
    conf_dir: ConfDir = CONF,
    set_: Set = None,
    allow_future: AllowFuture = False,
    json: Json = False,
) -> int:
    """List refused rows by source and reason, and what usually mends them; no raw values.

    After a fix of the case or a contract: lepton quarantine CASE --replay --as-of YYYY-MM-DD
    """
    from lepton_spark.replay.selection import Selection

    if replay and files:
        raise UsageError(
            "LS-0216",
            "--files and --replay are given together.",
            "--files is for the list of what is in quarantine.",
            "leave one of them out.",
            "nothing was changed",
        )
    is_any_day = as_of is None and not replay
    day = _LAST_DAY.isoformat() if is_any_day else as_of
    allows = allow_future or is_any_day
    choices = Choices(day, env, conf_dir, set_, 0, allow_empty=False, allow_future=allows)
    request = request_of("quarantine", case, choices)
    _refuse_unknown(request, source, reason)
    selection = Selection(source, reason)
    if replay:
        return _replay(request, selection, is_json=json)
    return _list(request, selection, as_of, by_file=files, is_json=json)


def _refuse_unknown(request: Request, source: str | None, reason: str | None) -> None:
    """See that source and reason are there, before anything is started."""
    from lepton_spark.config.check import load_all
    from lepton_spark.quality.hints import HINTS

    loaded = load_all(request.conf_dir, request.case, request.environment, request.overrides)
    _require_one_of("--source", source, loaded.case.sources, "LS-0214")
    _require_one_of("--reason", reason, HINTS, "LS-0215")


def _require_one_of(option: str, given: str | None, known: Collection[str], code: str) -> None:
    if given is None or given in known:
        return
    raise UsageError(
        code,
        f"{option} is {printable(given[:60])!r}.",
        f"it is one of {len(known)} that there are.",
        f"{nearest(given, known)}.",
        "nothing was changed",
    )


def _replay(request: Request, selection: Selection, *, is_json: bool) -> int:
    """Refine what a killed run left, then judge again."""

    def again(context: RunContext) -> StageResult:
        """What the chosen rows came to when they were tried once more."""
        from lepton_spark.replay.stage import replay

        return replay(context, selection)

    def work(context: RunContext) -> journey.Nights:
        """Refining first: rows are tried against the tables as they are now."""
        return {context.as_of: run_stages(context, [("refine", journey.refine), ("replay", again)])}

    return carry_out(request, work, lambda ended: show(ended) + _replayed(ended), is_json=is_json)


def _replayed(outcome: Outcome) -> str:
    """What became of the rows, one line a source."""
    lines = [
        f"{name}: {facts['replayed']} rows judged again, {facts['good']} of them are good now\n"
        for results in outcome.nights.values()
        for result in results
        if result.stage == "replay"
        for name, facts in result.facts["sources"].items()
    ]
    if outcome.ending.exit_code:
        return ""
    return "".join(lines) or "no quarantined row was chosen\n"


def _list(
    request: Request, selection: Selection, as_of: str | None, *, by_file: bool, is_json: bool
) -> int:
    def work(context: RunContext) -> journey.Nights:
        """What lies in quarantine, under its day; nothing is written."""
        from lepton_spark.replay.stage import overview

        return {context.as_of: [overview(context, selection, by_file=by_file)]}

    outcome = execute(request, work)
    if outcome.ending.exit_code:
        return tell(outcome, stdout=sys.stdout, stderr=sys.stderr)
    found = outcome.nights[request.as_of][0].facts
    facts = {
        "status": "done",
        "command": "quarantine",
        "exit_code": 0,
        "case": request.case,
        "as_of": as_of,
        **found,
    }
    return say(facts, "" if is_json else listing(found["reasons"], is_cut=found["is_cut"]))


def listing(reasons: Sequence[Mapping[str, Any]], *, is_cut: bool = False) -> str:
    """What is in quarantine, for people: a table, then a hint for each reason code.

    Args:
        reasons: As `replay.stage.overview` gives them.
        is_cut: Whether there are more.
    """
    if not reasons:
        return "nothing is in quarantine\n"
    has_files = "file" in reasons[0]
    head = ["source", "reason", *(["file"] if has_files else []), "rows", "files"]
    rows = [[*head, "first arrival", "last arrival", "for example"]]
    for each in reasons:
        counts = [f"{each['rows']:,}", f"{each['files']:,}"]
        place = [each["source"], each["reason"], *([each["file"]] if has_files else [])]
        spans = [each["first_arrived_at"], each["last_arrived_at"]]
        rows.append([*place, *counts, *spans, ", ".join(each["examples"])])
    more = "and more: choose with --source and --reason\n" if is_cut else ""
    told = align([[printable(cell) for cell in row] for row in rows])
    return f"{told}{more}\nwhat usually mends it\n{_hints(reasons)}"


def _hints(reasons: Iterable[Mapping[str, Any]]) -> str:
    hints = {each["reason"].partition(":")[0]: each["hint"] for each in reasons}
    return align([[f"  {code}", hint] for code, hint in hints.items()])
