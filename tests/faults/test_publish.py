"""Runs that die while they publish, and runs that publish at once."""

from __future__ import annotations

import signal

import pytest

from lepton_spark import faults
from lepton_spark.lake import tables
from tests.faults.child import DAY, NUM_ROWS, SCORES, context_of, night, rows_of
from tests.faults.runs import said_by, wait_for

pytestmark = [pytest.mark.spark, pytest.mark.fault, pytest.mark.timeout(900)]

POINTS = (
    "before_stage_write",
    "after_stage_write",
    "before_audit",
    "after_audit",
    "before_lock",
    "after_lock",
    "before_commit",
    "after_commit",
    "before_cleanup",
    "after_cleanup",
)
VISIBLE = POINTS[POINTS.index("after_commit") :]
UNDISTURBED = (NUM_ROWS, sum(range(NUM_ROWS)), NUM_ROWS)


def digest(context):
    """Rows, checksum and distinct keys; None where there is no table."""
    if not tables.exists(context, SCORES):
        return None
    rows = tables.read(context, SCORES)
    return tuple(rows.selectExpr("count(*)", "sum(id)", "count(distinct id, score)").first())


@pytest.fixture(scope="module")
def killed(runs, tmp_path_factory):
    """A lake for each point, in which a run was killed there; all at the same time."""
    lakes = {point: tmp_path_factory.mktemp(point) for point in POINTS}
    children = {}
    for point, lake in lakes.items():
        children[point] = runs.start(lake, "r-killed", f"{point}:kill")
        (lake / "go").touch()
    ended = {point: child.wait(timeout=600) for point, child in children.items()}
    assert ended == dict.fromkeys(POINTS, -signal.SIGKILL)
    return lakes


@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_a_point_and_rerun_gives_the_undisturbed_table(spark, killed, point):
    lake = killed[point]
    context = context_of(spark, str(lake), "r-again")
    assert digest(context) == (UNDISTURBED if point in VISIBLE else None)

    done = tables.publish(context, rows_of(spark), night(replaces=True))

    assert digest(context) == UNDISTURBED
    assert (done.version, done.is_new) == (0, point not in VISIBLE)
    assert tables.find(context, SCORES, "score", DAY).version == 0
    assert not list(lake.glob("gold/_staging/scores/*"))


def test_a_publication_reaches_every_point(spark, tmp_path, monkeypatch):
    reached = []
    monkeypatch.setattr(faults, "reach", reached.append)

    tables.publish(context_of(spark, str(tmp_path), "r"), rows_of(spark), night(replaces=True))

    assert tuple(point for point in reached if point in POINTS) == POINTS


def test_of_two_runs_released_at_once_one_publishes(spark, runs, tmp_path):
    both = [runs.start(tmp_path, name) for name in ("r-first", "r-second")]
    wait_for(lambda: len(list(tmp_path.glob("*.ready"))) == 2)
    (tmp_path / "go").touch()

    said = [said_by(child) for child in both]

    assert sorted(each["is_new"] for each in said) == [False, True]
    assert {each["version"] for each in said} == {0}
    assert digest(context_of(spark, str(tmp_path), "r")) == UNDISTURBED


def paused_at(runs, lake, point, without=""):
    """A run that stands still at a point."""
    (lake / "go").touch()
    first = runs.start(lake, "r-first", pause_at=point, without=without)
    wait_for((lake / "r-first.paused").exists)
    return first


def test_who_comes_to_the_lock_late_finds_the_rows_published(spark, runs, tmp_path):
    first = paused_at(runs, tmp_path, "before_lock")
    second = said_by(runs.start(tmp_path, "r-second"))
    (tmp_path / "r-first.resume").touch()

    assert (second["is_new"], said_by(first)["is_new"]) == (True, False)
    assert digest(context_of(spark, str(tmp_path), "r")) == UNDISTURBED


def test_who_meets_a_held_lock_waits_and_finds_the_rows_published(spark, runs, tmp_path):
    first = paused_at(runs, tmp_path, "before_commit")
    second = runs.start(tmp_path, "r-second")
    wait_for(lambda: len(list(tmp_path.glob("gold/_staging/scores/*/_SUCCESS"))) == 2)
    (tmp_path / "r-first.resume").touch()

    assert (said_by(first)["is_new"], said_by(second)["is_new"]) == (True, False)
    assert digest(context_of(spark, str(tmp_path), "r")) == UNDISTURBED


def test_without_lock_and_transaction_both_publish(spark, runs, tmp_path):
    """The control: what the guards are for does happen without them."""
    first = paused_at(runs, tmp_path, "before_commit", without="lock,transaction")
    second = said_by(runs.start(tmp_path, "r-second", without="lock,transaction"))
    (tmp_path / "r-first.resume").touch()

    assert (second["is_new"], said_by(first)["is_new"]) == (True, True)
    assert digest(context_of(spark, str(tmp_path), "r"))[0] == 2 * NUM_ROWS


def test_without_lock_the_transaction_alone_lets_one_publish(spark, runs, tmp_path):
    first = paused_at(runs, tmp_path, "before_commit", without="lock")
    second = said_by(runs.start(tmp_path, "r-second", without="lock"))
    (tmp_path / "r-first.resume").touch()

    assert (second["is_new"], said_by(first)["is_new"]) == (True, False)
    assert digest(context_of(spark, str(tmp_path), "r")) == UNDISTURBED


def test_a_lock_whose_holder_is_killed_passes_to_the_run_that_waits(spark, runs, tmp_path):
    first = paused_at(runs, tmp_path, "after_lock")
    second = runs.start(tmp_path, "r-second")
    wait_for(lambda: len(list(tmp_path.glob("gold/_staging/scores/*/_SUCCESS"))) == 2)

    first.kill()

    assert said_by(second) == {"version": 0, "is_new": True}
    assert digest(context_of(spark, str(tmp_path), "r")) == UNDISTURBED
