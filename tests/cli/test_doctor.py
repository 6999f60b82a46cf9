from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lepton_spark.cli import doctor
from lepton_spark.config.environment import Environment
from lepton_spark.lake import jars, java

ROOT = Path(__file__).parents[2]


def environment(lakehouse: str, **conf: str) -> Environment:
    return Environment.model_validate(
        {
            "name": "test",
            "lakehouse": lakehouse,
            "spark": {"master": "local[2]", "conf": conf},
            "mlflow": {"tracking_uri": "sqlite:///x.db"},
        }
    )


def probe(source: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)


def test_a_finding_shows_its_fix():
    finding = doctor.Finding("java", "none", "apt install it")

    assert not finding.is_fit
    assert "FAIL" in str(finding)
    assert "Fix: apt install it" in str(finding)
    assert doctor.Finding("java", "17").is_fit


def test_a_machine_without_java_is_told_how_to_get_one(monkeypatch):
    monkeypatch.setattr(doctor, "find_java", lambda: None)

    finding = doctor.check_java()

    assert "JAVA_HOME" in finding.found
    assert "apt install openjdk-17" in finding.fix
    assert "lepton-spark[jdk]" in finding.fix


@pytest.mark.parametrize(("release", "is_fit"), [(0, False), (8, False), (17, True), (25, False)])
def test_java_must_be_one_that_spark_runs_on(monkeypatch, release, is_fit):
    monkeypatch.setattr(doctor, "find_java", lambda: java.Java(Path("/x/java"), release))

    assert doctor.check_java().is_fit == is_fit


def test_missing_and_old_packages_are_named(monkeypatch):
    versions = {name: floor for name, (floor, _) in doctor.FLOORS.items()}
    versions |= {"pyarrow": "14.0.0", "keras": None}
    monkeypatch.setattr(doctor, "_version", versions.get)

    unfit = {finding.name: finding.found for finding in doctor.check_packages() if finding.fix}

    assert unfit.keys() == {"pyarrow", "keras"}
    assert "CVE-2023-47248" in unfit["pyarrow"]
    assert unfit["keras"] == "not installed"


def test_missing_jars_are_named_by_their_coordinates(monkeypatch):
    monkeypatch.setattr(jars, "cached_jars", list)

    finding = doctor.check_jars()

    assert "io.delta:delta-spark_" in finding.found
    assert "lepton_spark.lake.jars" in finding.fix


def test_jars_for_another_spark_are_named_with_both_versions(monkeypatch):
    monkeypatch.setattr(jars, "cached_jars", lambda: ["/x/delta-spark_2.13-3.2.0.jar"])

    finding = doctor.check_jars()

    assert "3.2.0" in finding.found
    assert jars.coordinates() in finding.found


def test_too_little_memory_is_counted(monkeypatch):
    monkeypatch.setattr(doctor, "memory_there", lambda: 3 * doctor.GIB)

    assert not doctor.check_memory(environment("x", **{"spark.driver.memory": "3g"})).is_fit
    assert doctor.check_memory(environment("x", **{"spark.driver.memory": "512m"})).is_fit


def test_this_machine_has_memory():
    assert doctor.memory_there() > 0


def test_a_lakehouse_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    def refuse(**_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)

    finding = doctor.check_lakehouse(environment(str(tmp_path / "lake")))

    assert not finding.is_fit
    assert str(tmp_path / "lake") in finding.found


def test_a_lakehouse_that_is_not_there_yet_is_not_made(tmp_path):
    assert doctor.check_lakehouse(environment(str(tmp_path / "lake"))).is_fit
    assert list(tmp_path.iterdir()) == []


def test_a_lakehouse_elsewhere_is_not_checked():
    assert doctor.check_lakehouse(environment("s3a://bucket/lake")).is_fit


@pytest.mark.parametrize(
    ("source", "is_fit", "word"),
    [
        ("print('version 0.28.1 gloo 1 nccl 1')", True, "0.28.1 with TensorFlow and Gloo, NCCL"),
        ("print('version 0.28.1 gloo 1 nccl 0')", True, "without NCCL"),
        ("print('version 0.28.1 gloo 0 nccl 0')", False, "without Gloo"),
        ("import no_such_module", False, "does not load"),
    ],
)
def test_horovod_must_load_with_gloo(source, is_fit, word):
    finding = doctor.check_horovod(probe(source))

    assert finding.is_fit == is_fit
    assert word in finding.found


def test_horovod_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(doctor, "_HOROVOD_SECONDS", 0.2)
    hanging = probe("import time; time.sleep(60)")

    assert "did not load" in doctor.check_horovod(hanging).found
    assert hanging.wait(5) != 0


def test_a_missing_horovod_has_a_way_around():
    assert "train.launcher=distribute" in doctor.check_horovod(None).fix


def test_it_says_which_launchers_can_be_used_and_why_not_the_others(monkeypatch):
    fit, unfit = doctor.Finding("horovod", "0.28.1"), doctor.check_horovod(None)

    assert doctor.check_launchers(fit).found == "barrier, stock, distribute, local"
    assert doctor.check_launchers(unfit).found == (
        "distribute, local; barrier and stock need Horovod"
    )
    monkeypatch.setattr(doctor, "_version", lambda _name: None)
    assert not doctor.check_launchers(fit).is_fit


def test_wrong_settings_are_one_finding(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_start_horovod", lambda: None)

    findings = {finding.name: finding for finding in doctor.examine(tmp_path, "nowhere")}

    assert not findings["settings"].is_fit
    assert findings["python"].is_fit


@pytest.mark.horovod
def test_this_machine_is_fit():
    unfit = [finding for finding in doctor.examine(ROOT / "conf", "local") if not finding.is_fit]

    assert unfit == []
