"""The Delta jars are fetched once and then found."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import jars


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def fetches(monkeypatch, names):
    """Stand in for spark-submit: leave these jars and count the calls."""
    calls = []

    def run(command, **_options):
        calls.append(command)
        folder = jars.Path(command[-1], "jars")
        folder.mkdir()
        for name in names:
            (folder / f"io.delta_{name}.jar").write_text("jar")
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


FIVE = (
    "delta-spark_4.2_2.13-4.4.0",
    "delta-storage-4.4.0",
    "delta-kernel-api-4.4.0",
    "delta-kernel-defaults-4.4.0",
    "delta-kernel-unitycatalog-4.4.0",
)


def test_the_jars_are_fetched_once(cache, monkeypatch):
    calls = fetches(monkeypatch, (*FIVE, "jackson-core-2.13.5"))

    first = jars.resolve_jars()
    second = jars.resolve_jars()

    assert first == second
    assert [jars.Path(jar).name for jar in first] == [f"io.delta_{name}.jar" for name in FIVE]
    assert len(calls) == 1
    assert {path.name for path in (cache / "lepton_spark").iterdir()} == {jars.cache_folder().name}


def test_a_cache_that_lacks_a_jar_is_made_anew(monkeypatch):
    fetches(monkeypatch, FIVE)
    jars.resolve_jars()
    next(jars.cache_folder().glob("*storage*")).unlink()

    assert len(jars.resolve_jars()) == len(FIVE)


def test_jars_that_cannot_be_fetched_are_told_with_their_coordinates(monkeypatch):
    fetches(monkeypatch, FIVE[:3])

    with pytest.raises(EnvironmentFault, match=r"io\.delta:delta-spark_") as told:
        jars.resolve_jars()

    assert told.value.exit_code == 50
    assert not jars.cache_folder().exists()


def test_jars_that_take_too_long_are_told_as_missing(monkeypatch):
    def run(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", run)

    with pytest.raises(EnvironmentFault, match="LS-5003") as told:
        jars.resolve_jars()
    assert "could not be fetched within 600 seconds" in told.value.what
