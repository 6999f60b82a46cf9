"""What tests share: one Spark session a process, and contexts on lakes of their own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from lepton_spark.config.case import Case
from lepton_spark.config.environment import Environment
from lepton_spark.context import RunContext

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# How long an example takes says something of the machine and nothing of the code.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")
LEAP_DAY = date(2024, 2, 29)
# The least work on two cores. Of a JVM's seconds of processor two fifths went to C2: it waits ten
# times longer before it compiles what no test runs for long.
JAVA_OPTIONS = (
    "-XX:+UseSerialGC"
    " -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000"
    " -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
SPARK_CONF = {
    "spark.driver.memory": "3g",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.driver.extraJavaOptions": JAVA_OPTIONS,
    "spark.sql.warehouse.dir": "/nowhere",  # a test that makes a managed table is wrong
}

TINY_CASE: Mapping[str, Any] = {
    "version": 1,
    "case": "tiny",
    "sources": {
        "visits": {
            "path": "visits/{date}.csv",
            "contract": "visits",
            "key": ["visit"],
            "arrives": {"days": 0, "time": "01:00", "zone": "UTC"},
        }
    },
    "predict": {
        "each": "visits",
        "day": "day",
        "at": {"time": "02:00", "zone": "UTC"},
        "label": {"name": "is_long", "from": "visits", "is": "minutes > 30"},
        "split": {"validate_from": "2024-03-01", "test_from": "2024-04-01"},
    },
    "features": {"own": ["shop"]},
    "gate": {"metric": "auc", "better_than": "majority", "at_least": 0.6},
}


class Silent:
    """A progress that nobody sees."""

    def start(self, stage: str) -> None: ...
    def step(self, stage: str, message: str, *, done: int = 0, total: int = 0) -> None: ...
    def finish(self, stage: str, message: str) -> None: ...


def environment_at(lakehouse: Path | str, **changes: Any) -> Environment:
    """A test environment with its lake in the given folder."""
    document = {
        "name": "test",
        "lakehouse": str(lakehouse),
        "spark": {"master": "local[2]", "conf": SPARK_CONF},
        "mlflow": {"tracking_uri": f"sqlite:///{lakehouse}/mlflow.db"},
        "lock_wait_seconds": 5,
    }
    return Environment.model_validate({**document, **changes})


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process waits for another at the end."""
    longest = ("slow", "horovod", "spark", "tensorflow")
    items.sort(
        key=lambda item: next(
            (place for place, name in enumerate(longest) if item.get_closest_marker(name)),
            len(longest),
        )
    )


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one session of this process, as the product starts it."""
    from lepton_spark.lake import session

    started = session.start(environment_at(tmp_path_factory.mktemp("lake")), app_name="tests")
    yield started
    started.stop()


def make_context(
    lake: Path, spark: Any, case: Case | None = None, as_of: date | str = LEAP_DAY, **changes: Any
) -> RunContext:
    """A new run on a lake; of a tiny case where none is given."""
    given = {
        "case": case or Case.model_validate(TINY_CASE),
        "as_of": date.fromisoformat(as_of) if isinstance(as_of, str) else as_of,
        "environment": environment_at(lake),
        "spark": spark,
        "progress": Silent(),
        "run_id": f"r-{secrets.token_hex(8)}",
        "started_at": datetime.now(UTC),
    }
    return RunContext(**{**given, **changes})


@pytest.fixture
def context_for(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., RunContext]:
    """A maker of contexts: `context_for(case, as_of, revision=0, environment=None, ...)`.

    All contexts of one test share one lake, `tmp_path / "lake"`, unless an environment is given.
    Spark is started only for a test that asks for it.
    """

    def make(case: Case | None = None, as_of: date | str = LEAP_DAY, **changes: Any) -> RunContext:
        spark = changes.pop("spark") if "spark" in changes else request.getfixturevalue("spark")
        return make_context(tmp_path / "lake", spark, case, as_of, **changes)

    return make
