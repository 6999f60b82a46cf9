"""The command `features`: computes them, or says what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from lepton_spark.cli.options import (
    CONF,
    AllowEmpty,
    AllowFuture,
    AsOf,
    Case,
    ConfDir,
    Env,
    Json,
    Revision,
    Set,
)
from lepton_spark.cli.say import say
from lepton_spark.errors import UsageError
from lepton_spark.job.request import parse_name

ALL = "all"
Explain = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Say what a feature is, or `all`; starts nothing and needs no --as-of."
    ),
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
        env: Env = "local",
        conf_dir: ConfDir = CONF,
        set_: Set = None,
        revision: Revision = 0,
        allow_empty: AllowEmpty = False,
        allow_future: AllowFuture = False,
        json: Json = False,
    ) -> int:
        if explain is not None:
            return _explain(case, explain, (conf_dir, env, tuple(set_ or ())), is_json=json)
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
