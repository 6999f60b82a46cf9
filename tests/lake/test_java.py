from __future__ import annotations

from pathlib import Path

import pytest

from lepton_spark.lake import java


def fake_java(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", "")  # so that what a test sets is undone
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(java, "packaged_home", lambda: tmp_path / "packaged")


def test_no_java_is_found_where_there_is_none():
    assert java.find_java() is None


@pytest.mark.parametrize(
    ("version", "release", "is_fit"),
    [("17.0.15", 17, True), ("21.0.8", 21, True), ("1.8.0_392", 8, False), ("25", 25, False)],
)
def test_the_release_is_read(tmp_path, monkeypatch, version, release, is_fit):
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "jdk", version)))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    found = java.find_java()

    assert (found.release, found.is_fit) == (release, is_fit)


def test_a_wrong_java_home_is_found_and_does_not_run(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))

    assert java.find_java().release == 0


def test_the_packaged_one_is_used_where_the_machine_has_none_that_fits(tmp_path, monkeypatch):
    fake_java(tmp_path / "packaged", "21.0.8")
    old = fake_java(tmp_path / "old", "11.0.1")
    monkeypatch.setenv("PATH", f"{old / 'bin'}:/usr/bin:/bin")

    found = java.use_java()

    assert found.release == 21
    assert java.os.environ["JAVA_HOME"] == str(tmp_path / "packaged")
