"""A session of our own has our settings; one that we are given keeps its own."""

from __future__ import annotations

import pytest

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import jvm, session
from tests.conftest import environment_at

pytestmark = pytest.mark.spark


def hadoop_setting(of, name):
    return of._jsparkSession.sessionState().newHadoopConf().get(name)


def test_a_started_session_has_every_setting_that_results_depend_on(spark):
    for name, setting in session.SQL_SETTINGS.items():
        found = spark.conf.get(name) if name.startswith("spark.") else hadoop_setting(spark, name)
        assert found == setting, name
    assert spark.sparkContext.uiWebUrl is None


def test_attaching_changes_nothing_in_the_given_session(spark):
    given = spark.newSession()
    given.conf.set("spark.sql.session.timeZone", "Asia/Kathmandu")
    given.conf.set("spark.sql.ansi.enabled", "false")
    before = given.conf.getAll

    own = session.attach(given, {"spark.sql.shuffle.partitions": "3", "spark.master": "local[9]"})

    assert given.conf.getAll == before
    assert own.conf.get("spark.sql.session.timeZone") == "UTC"
    assert own.conf.get("spark.sql.ansi.enabled") == "true"
    assert own.conf.get("spark.sql.shuffle.partitions") == "3"
    assert hadoop_setting(own, "parquet.page.verify-checksum.enabled") == "true"
    assert own.sparkContext is given.sparkContext


def test_starting_beside_a_running_session_attaches_to_it(spark, tmp_path):
    own = session.start(environment_at(tmp_path))

    assert own is not spark
    assert own.sparkContext is spark.sparkContext


def test_a_given_session_without_delta_is_refused(monkeypatch):
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)

    class Plain:
        class conf:  # noqa: N801  # stands for an attribute
            @staticmethod
            def get(_name, default):
                return default

    with pytest.raises(EnvironmentFault, match=r"--packages io\.delta"):
        session.attach(Plain)


def test_a_cell_in_an_error_of_spark_is_not_logged(spark, capfd):
    with pytest.raises(Exception, match="CAST_INVALID_INPUT"):
        spark.sql("select cast('canary' as int)").collect()
    with pytest.raises(Exception, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark.sql("select * from canary").collect()

    assert "canary" not in "".join(capfd.readouterr())


def test_delta_is_found_where_the_platform_brings_it(monkeypatch, tmp_path):
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.delenv("SPARK_HOME", raising=False)
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
    conf = {}
    assert not jvm.brings_delta(conf)

    assert jvm.brings_delta({"spark.jars.packages": "io.delta:delta-spark_4.2_2.13:4.4.0"})
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "delta-spark_4.2_2.13-4.4.0.jar").touch()
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    assert jvm.brings_delta(conf)
    monkeypatch.delenv("SPARK_HOME")
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    assert jvm.brings_delta(conf)
