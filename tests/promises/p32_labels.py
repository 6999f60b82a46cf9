"""P32: labels and features of which nothing can be learned, or too much, give no model."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_spark.context import RunContext
from lepton_spark.dataset import stage as dataset
from lepton_spark.errors import ModelError
from lepton_spark.evaluate import gate as gates
from lepton_spark.evaluate.stage import evaluate
from lepton_spark.job.ending import ending_of
from lepton_spark.registry import store
from lepton_spark.registry.stage import register
from lepton_spark.train.stage import train
from tests.conftest import Silent, environment_at
from tests.dataset.visits import AS_OF, publish_visits, tiny_case, visits
from tests.promises.promise import Promise, without

if TYPE_CHECKING:
    from tests.promises.lab import Lab

_ROWS = 1_200
_SETTINGS: Mapping[str, Any] = {
    "model": {"hidden": [4], "dropout": 0.0, "embedding": 2},
    "train": {
        "launcher": "local", "workers": 1, "batch_size": 256, "epochs": 1,
        "baselines": ["majority", "boosted_trees"],
    },
    "transform": {"min_category_count": 5},
    "evaluate": {"resamples": 50},
}  # fmt: skip
_LONG, _SHORT = 40, 20
_TEST_DAY = datetime(2024, 4, 1, tzinfo=UTC).date()
Visit = dict[str, Any]
Spoil = Callable[[Visit, random.Random], Mapping[str, object]]


def _is_long(visit: Visit) -> bool:
    return bool(visit["minutes"] == _LONG)


def _one_class_of_test(visit: Visit, _: random.Random) -> Mapping[str, object]:
    return {"minutes": _SHORT} if visit["day"] >= _TEST_DAY else {}


def _shifted(visit: Visit, random_: random.Random) -> Mapping[str, object]:
    """The label beside some noise that never hides it."""
    return {"hour": (7.5 if _is_long(visit) else -2.5) + random_.random()}


def _missing(visit: Visit, _: random.Random) -> Mapping[str, object]:
    """A value that is only known of one class."""
    return {"hour": visit["hour"] or 1.0} if _is_long(visit) else {"hour": None}


def _named(visit: Visit, random_: random.Random) -> Mapping[str, object]:
    """Words that are of one class each."""
    return {"shop": random_.choice("pqr" if _is_long(visit) else "st")}


# What is wrong, what makes it so of each visit, the code and the words of the refusal.
_CASES: Mapping[str, tuple[Spoil, str, str]] = {
    "all are positive": (lambda *_: {"minutes": _LONG}, "LS-6007", "1200 positives, 0 negatives"),
    "a number never changes": (lambda *_: {"hour": 3.5}, "LS-2063", "['hour']"),
    "none is positive": (lambda *_: {"minutes": _SHORT}, "LS-6007", "0 positives, 1200 negatives"),
    "no test row is positive": (_one_class_of_test, "LS-6008", "part test has 0 positives"),
    "a category never changes": (lambda *_: {"shop": "a"}, "LS-2063", "['shop']"),
    "a number is never there": (lambda *_: {"hour": None}, "LS-2063", "['hour']"),
    "a category is never there": (lambda *_: {"shop": None}, "LS-2063", "['shop']"),
    "a number knows the label": (_shifted, "LS-6009", "tells most is hour"),
    "what is missing knows the label": (_missing, "LS-6009", "tells most is hour"),
    "a category knows the label": (_named, "LS-6009", "tells most is shop"),
}


def trials(lab: Lab, number: int) -> list[str]:
    """One case a trial, of random rows."""
    failures = []
    for place, name in enumerate(list(_CASES)[:number]):
        failures += [f"{name}: {told}" for told in _tried(lab, name, lab.seed + place)]
    return failures


def _tried(lab: Lab, name: str, seed: int) -> list[str]:
    spoil, code, words = _CASES[name]
    random_ = random.Random(seed)
    context = _context(lab)
    made = [{**visit, **spoil(visit, random_)} for visit in visits(_ROWS, seed=seed)]
    publish_visits(context, made)
    try:
        for stage in (dataset.prepare, train, evaluate, register):
            stage(context)
    except Exception as error:  # noqa: BLE001  # without its guard it may fail in any way
        ending = ending_of(error)
        is_told = ending.code == code and words in ending.message
        wrong = [] if is_told else [ending.message]
    else:
        wrong = ["it was not refused"]
    return [*wrong, *(["there is a champion"] if _has_champion(context) else [])]


def _context(lab: Lab) -> RunContext:
    return RunContext(
        spark=lab.spark,
        case=tiny_case(**_SETTINGS),
        environment=environment_at(lab.place() / "lake"),
        progress=Silent(),
        run_id=f"r-{secrets.token_hex(8)}",
        as_of=AS_OF,
        started_at=datetime.now(UTC),
    )


def _has_champion(context: RunContext) -> bool:
    if not Path(context.environment.lakehouse, "mlflow.db").exists():
        return False  # to ask would make one, which takes seconds
    try:
        store.champion(context)
    except ModelError:
        return False
    return True


def control(lab: Lab) -> list[str]:
    """Nobody counts classes, nor finds a score too good: each alone has to be seen."""
    decide = gates._decide

    def trusting(name, own, gain, gate):
        return decide(name, own, gain, gate.model_copy(update={"suspicious_above": 1.0}))

    with without((dataset, "require_enough", lambda *_, **__: None)):
        one_class = _tried(lab, "all are positive", lab.seed)
    with without((gates, "_decide", trusting)):
        leak = _tried(lab, "a number knows the label", lab.seed)
    return [*one_class, *leak] if one_class and leak else []


PROMISE = Promise(
    "P32",
    "one class, a constant or empty feature, or a leaked label is refused with its name: no model",
    trials,
    short=2,
    full=len(_CASES),
    control=control,
    is_long=True,
)
