"""Runs of searches on real rows: a lake is prepared once for all tests that search in it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lepton_spark.context import RunContext
from lepton_spark.dataset.stage import prepare
from tests.conftest import Silent, environment_at
from tests.dataset.visits import AS_OF, publish_visits, tiny_case, visits

SPACE = {
    "train.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True},
    "model.hidden": {"choices": [[4], [8, 4]]},
}
TRAIN = {"launcher": "local", "batch_size": 64, "epochs": 3}


class Heard(Silent):
    """Remembers what it is told; ends the run, as a kill would, at a message that begins so."""

    def __init__(self, end_at=None):
        self.messages = []
        self._end_at = end_at

    def step(self, _stage, message, **_place):
        self.messages.append(message)
        if self._end_at and message.startswith(self._end_at):
            raise KeyboardInterrupt


@pytest.fixture(scope="session")
def run(spark, tmp_path_factory):
    """A maker of runs: `run({"trials": 3}, train=..., lake="changed")` gives their contexts."""
    made = visits(800)
    lakes = {
        "plain": made,
        "changed": [
            visit
            if visit["day"] < date(2024, 4, 1)
            else {**visit, "hour": 99.0, "shop": "no such", "minutes": 60 - visit["minutes"]}
            for visit in made
        ],
        "relabelled": [
            visit
            if visit["day"] < date(2024, 2, 20)
            else {**visit, "minutes": 40 if visit["visit"] % 4 else 20}
            for visit in made
        ],
    }
    environments = {}

    def make(settings=None, *, train=None, transform=None, lake="plain", progress=None):
        case = tiny_case(
            model={"hidden": [4], "dropout": 0.0, "embedding": 2},
            train={**TRAIN, **(train or {})},
            transform={"min_category_count": 5, **(transform or {})},
            search=None if settings is None else {"space": SPACE, "trials": 3, **settings},
        )
        now = datetime.now(UTC)
        progress = progress or Heard()
        is_new = lake not in environments
        if is_new:
            environments[lake] = environment_at(tmp_path_factory.mktemp(lake))
        context = RunContext(spark, case, environments[lake], progress, "r-0", AS_OF, now)
        if is_new:
            publish_visits(context, lakes[lake])
            prepare(context)
        return context

    return make


def repeatable(facts):
    """Without what says how long it took and where it was."""
    trials = [{**trial, "seconds": 0} for trial in facts["trials"]]
    return {"trials": trials, "best": facts["best"]["set"], "estimate": facts["estimate"]}
