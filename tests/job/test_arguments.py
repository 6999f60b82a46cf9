from __future__ import annotations

from datetime import date

import pytest

from lepton_spark.errors import UsageError
from lepton_spark.job.arguments import read_arguments

GIVEN = ["--case", "plant", "--as-of", "2024-02-29"]


def test_a_job_runs_on_the_cluster_where_nothing_else_is_said():
    request = read_arguments("refine", GIVEN)

    assert (request.command, request.environment) == ("refine", "cluster")
    assert request.as_of == date(2024, 2, 29)


def test_settings_may_be_repeated():
    request = read_arguments("train", [*GIVEN, "--set", "train.epochs=1", "--set", "a=b"])

    assert request.overrides == ("train.epochs=1", "a=b")


@pytest.mark.parametrize(
    "argv", [[], ["--case", "plant"], [*GIVEN, "--nonsense"], [*GIVEN, "--revision", "x"]]
)
def test_wrong_arguments_are_an_error_of_ours(argv):
    with pytest.raises(UsageError, match="LS-0201"):
        read_arguments("refine", argv)


def test_a_revision_is_not_negative():
    with pytest.raises(UsageError, match="--revision"):
        read_arguments("score", ["--case", "x", "--as-of", "2024-01-05", "--revision", "-1"])
