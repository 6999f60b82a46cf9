"""Open a context, run stages in it, and end with a summary and an exit code."""

from __future__ import annotations

import logging
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from lepton_spark.context import RunContext, StageResult
from lepton_spark.errors import LeptonError
from lepton_spark.job.arguments import read_arguments
from lepton_spark.job.ending import DONE, ending_of
from lepton_spark.job.outcome import Outcome, in_words, tell
from lepton_spark.job.progress import make_progress, start_logging
from lepton_spark.job.request import Request, check_arguments, refuse_future
from lepton_spark.job.stop import Stopped, Stopper, kill_descendants, stoppable, within

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lepton_spark.config.environment import Environment
    from lepton_spark.context import Progress

logger = logging.getLogger(__name__)

Stage = Callable[[RunContext], StageResult]
Work = Callable[[RunContext], Mapping[date, Sequence[StageResult]]]
_SECONDS_TO_STOP_SPARK = 4.0


def new_run_id() -> str:
    """A name that no other run has."""
    return f"r-{secrets.token_hex(8)}"


@contextmanager
def open_context(
    request: Request,
    progress: Progress | None = None,
    *,
    run_id: str = "",
    stopper: Stopper | None = None,
) -> Iterator[RunContext]:
    """What a stage needs, for one command; a notebook opens it as a script does.

    A Spark session that runs already is used and left as it is; else one is started, and stopped
    at the end.

    Args:
        request: Which case and environment, as of when.
        progress: Where stages say how far they are; log lines where it is not given.
        run_id: Of the command; a new one where it is not given.
        stopper: Told how to stop the session at a signal.

    Raises:
        ConfigError: The case or the environment is wrong; nothing was started.
        UsageError: The date is yet to come.
        EnvironmentFault: Spark cannot start.
    """
    from lepton_spark.config.check import load_all

    now = datetime.now(UTC)
    loaded = load_all(request.conf_dir, request.case, request.environment, request.overrides)
    case, environment = loaded.case, loaded.environment
    refuse_future(request, case, now)
    run_id = run_id or new_run_id()
    progress = progress or make_progress(run_id)
    progress.step("spark", "starting Spark")
    with _session(environment, request, stopper) as spark:
        yield RunContext(
            spark=spark,
            case=case,
            environment=environment,
            progress=progress,
            run_id=run_id,
            as_of=request.as_of,
            started_at=now,
            revision=request.revision,
            allow_empty=request.allow_empty,
            contracts=loaded.contracts,
        )


@contextmanager
def _session(
    environment: Environment, request: Request, stopper: Stopper | None
) -> Iterator[SparkSession]:
    from pyspark.sql import SparkSession

    from lepton_spark.lake import session

    given = SparkSession.getActiveSession()
    if given is not None:
        yield session.attach(given, environment.spark.conf)
        return
    spark = session.start(environment, app_name=f"lepton {request.command} {request.case}")
    if stopper is not None:
        stopper.take()
        stopper.at_first(lambda: _abandon(spark))
    try:
        yield spark
    finally:
        # Not in this thread: after a signal its connection may be amid an answer.
        within(_SECONDS_TO_STOP_SPARK, spark.stop)


def _abandon(spark: SparkSession) -> None:
    spark.sparkContext.cancelAllJobs()
    spark.stop()


def run_stages(context: RunContext, stages: Sequence[tuple[str, Stage]]) -> list[StageResult]:
    """Run stages one after the other and write the ledger, once.

    Args:
        context: Given to each stage.
        stages: Name and function of each.

    Returns:
        What each stage gave, in order, with the seconds that it took.
    """
    from lepton_spark.lake import ledger

    results: list[StageResult] = []
    night = context.results.setdefault(context.as_of, [])
    try:
        for name, stage in stages:
            context.progress.start(name)
            started = time.monotonic()
            result = stage(context)
            context.progress.finish(name, in_words(result))
            took = {"took_seconds": round(time.monotonic() - started, 1)}
            results.append(replace(result, facts={**result.facts, **took}))
            night.append(results[-1])
    except Exception as error:
        _record_failure(context, results, ending_of(error).code)
        raise
    ledger.record(context, results, "done")
    return results


def _record_failure(context: RunContext, results: list[StageResult], code: str | None) -> None:
    from lepton_spark.lake import ledger

    try:
        ledger.record(context, results, "failed", error_code=code)
    except Exception as error:  # noqa: BLE001  # the first fault is the one to tell
        logger.warning("the ledger could not be written: %s", type(error).__name__)


def execute(request: Request, work: Work) -> Outcome:
    """Open a context, do the work, and say how it ended; raises nothing.

    Args:
        request: Which case and environment, as of when.
        work: Gives the results of each logical date.
    """
    start_logging()
    run_id = new_run_id()
    progress = make_progress(run_id)
    started = time.monotonic()
    nights: Mapping[date, Sequence[StageResult]] = {}
    ending = DONE

    def outcome() -> Outcome:
        """What the run came to so far."""
        seconds = time.monotonic() - started
        return Outcome(request, run_id, ending, progress.stage, seconds, nights)

    def tell_at_last(number: int) -> None:
        """Print the outcome of a run that a signal ends."""
        nonlocal ending
        ending = ending_of(Stopped(number))
        tell(outcome(), stdout=sys.stdout, stderr=sys.stderr)

    with stoppable() as stopper:
        stopper.at_last(tell_at_last)
        try:
            with open_context(request, progress, run_id=run_id, stopper=stopper) as context:
                nights = context.results  # of a run that fails or is stopped
                nights = work(context)
        except BaseException as error:  # noqa: BLE001  # every end has an exit code
            ending = ending_of(stopper.cause_of(error))
        finally:
            progress.close()
        if stopper.is_stopping:
            kill_descendants()
    return outcome()


def run_job(name: str, stages: Sequence[tuple[str, Stage]], argv: Sequence[str]) -> int:
    """`run_work` of stages on one logical date."""
    return run_work(name, lambda context: {context.as_of: run_stages(context, stages)}, argv)


def run_work(name: str, work: Work, argv: Sequence[str]) -> int:
    """What a script in `jobs/` does: read arguments, work, print one JSON line.

    Args:
        name: The script's name, for its help and the summary.
        work: Gives the results of each logical date.
        argv: Arguments without the program.

    Returns:
        The exit code.
    """
    try:
        check_arguments(argv)
        request = read_arguments(name, argv)
    except LeptonError as error:
        outcome = Outcome.refused(name, ending_of(error))
    else:
        outcome = execute(request, work)
    return tell(outcome, stdout=sys.stdout, stderr=sys.stderr)
