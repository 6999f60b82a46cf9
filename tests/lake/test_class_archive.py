from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pyspark import SparkConf

from lepton_spark.lake import class_archive
from lepton_spark.lake.class_archive import archive_path, use_archive, write_archive

OPTIONS, CLASS_PATH = "spark.driver.extraJavaOptions", "spark.driver.extraClassPath"


@pytest.fixture
def conf():
    return SparkConf(loadDefaults=False)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the archive of this test would be."""
    path = tmp_path / "classes.jsa"
    monkeypatch.setattr(class_archive, "archive_path", lambda: path)
    return path


@pytest.mark.usefixtures("place")
def test_without_an_archive_nothing_is_said(conf):
    use_archive(conf, ["delta.jar"])

    assert conf.getAll() == []


def test_the_archive_is_added_to_what_was_said_already(conf, place):
    place.touch()
    conf.set(OPTIONS, "-Xss4m").set(CLASS_PATH, "mine.jar")

    use_archive(conf, ["a.jar", "b.jar"])

    options = str(conf.get(OPTIONS)).split()
    assert options[:3] == ["-Xss4m", f"-XX:SharedArchiveFile={place}", "-Xshare:auto"]
    assert conf.get(CLASS_PATH) == "mine.jar:a.jar:b.jar"


def test_another_java_has_another_archive(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "a"))
    first = archive_path()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "b"))

    assert archive_path() != first
    assert archive_path().parent == Path(sys.prefix, "share", "lepton_spark")


def test_a_jvm_that_writes_none_is_no_failure(place, monkeypatch, caplog):
    def fail(command, **_options):
        return subprocess.CompletedProcess(command, 1, "", "no room")

    monkeypatch.setattr(class_archive.subprocess, "run", fail)

    assert write_archive() is None
    assert "no room" in caplog.text
    assert list(place.parent.glob(".classes-*")) == []


@pytest.mark.spark
def test_the_jvm_of_this_session_maps_its_classes(spark):
    archive = archive_path()
    if not archive.exists():
        pytest.skip(f"`make setup` wrote no archive at {archive}")
    runtime = spark._jvm.java.lang.management.ManagementFactory.getRuntimeMXBean()

    assert f"-XX:SharedArchiveFile={archive}" in list(runtime.getInputArguments())
    mapped = Path(f"/proc/{runtime.getPid()}/maps").read_text()
    assert str(archive) in mapped
