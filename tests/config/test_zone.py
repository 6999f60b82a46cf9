"""Names of time zones that Python and Java both know."""

from __future__ import annotations

import pytest

from lepton_spark.config.expression import parse
from lepton_spark.config.source import Arrival
from lepton_spark.config.zone import is_known_zone, read_zone
from lepton_spark.errors import ConfigError

ELSEWHERE = ["ROC", "Factory", "localtime", "posix/Europe/Vienna", "America/Coyhaique", "Mars", ""]


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Vienna", "Etc/GMT-1", "Asia/Calcutta", "US/Eastern"]
)
def test_a_zone_that_both_know_is_known(name):
    assert is_known_zone(name)
    assert read_zone(name) == name


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_zone_that_ends_a_job_of_spark_is_refused_in_settings_and_expressions(name):
    assert not is_known_zone(name)
    with pytest.raises(ValueError, match="not an IANA time zone"):
        Arrival(time="03:00", zone=name)
    with pytest.raises(ConfigError, match=r"LS-1033.*needs <zone>"):
        parse(f"from_utc_timestamp(at, '{name}')", columns={"at": "timestamp"}, where="x")
