"""The space of a search as Optuna knows it: a value a setting, choices as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lepton_spark.config.searched import number_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.trial import Trial
    from pydantic import JsonValue

    from lepton_spark.config.case import Case
    from lepton_spark.config.search import Dimension


def suggest(trial: Trial, case: Case, space: Mapping[str, Dimension]) -> dict[str, JsonValue]:
    """The settings that a trial tries, by dotted name."""
    for name, dimension in space.items():
        _ask(trial, case, name, dimension)
    return settings_of(trial.params, space)


def settings_of(params: Mapping[str, Any], space: Mapping[str, Dimension]) -> dict[str, JsonValue]:
    """What Optuna keeps of a trial, as settings."""
    return {
        name: value if space[name].choices is None else json.loads(value)
        for name, value in params.items()
    }


def as_overrides(settings: Mapping[str, JsonValue]) -> list[str]:
    """The settings as `--set` takes them."""
    return [
        f"{name}={json.dumps(value, separators=(',', ':'))}" for name, value in settings.items()
    ]


def _ask(trial: Trial, case: Case, name: str, dimension: Dimension) -> None:
    low, high = dimension.low, dimension.high
    if low is None or high is None:
        choices = dimension.choices or ()
        trial.suggest_categorical(name, [json.dumps(each) for each in choices])
    elif number_kind(case, name) == "whole":
        trial.suggest_int(
            name, int(low), int(high), step=int(dimension.step or 1), log=dimension.log
        )
    else:
        trial.suggest_float(name, low, high, step=dimension.step, log=dimension.log)
