from __future__ import annotations

from pathlib import Path

import pytest

from lepton_spark.cli import doctor, tools
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


FIT = "tensorflow 2.18.1\nhorovod 0.28.1 gloo 1 nccl 0\n"
WITHOUT_HOROVOD = "tensorflow 2.18.1\nfailed ModuleNotFoundError: No module named 'horovod'\n"


def package(folder: Path, name: str, source: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(source)


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
    ("said", "is_fit", "word"),
    [
        ("horovod 0.28.1 gloo 1 nccl 1", True, "0.28.1 with TensorFlow and Gloo, NCCL"),
        ("horovod 0.28.1 gloo 1 nccl 0", True, "without NCCL"),
        ("horovod 0.28.1 gloo 0 nccl 0", False, "without Gloo"),
        (WITHOUT_HOROVOD, False, "No module named 'horovod'"),
        ("tensorflow 2.18.1", False, "ended without a word"),
    ],
)
def test_horovod_must_load_with_gloo_where_a_case_trains_with_it(said, is_fit, word):
    finding = doctor.check_horovod(said, {"stock": "loans"})

    assert finding.is_fit == is_fit
    assert word in finding.found
    assert is_fit or finding.fix.startswith("loans trains with it")
    assert doctor.check_horovod(said, {"distribute": "loans"}).is_fit


def test_a_missing_horovod_that_no_case_asks_for_is_told_and_no_failure():
    told = str(doctor.check_horovod(WITHOUT_HOROVOD, {}))

    assert "FAIL" not in told
    assert "No module named 'horovod'" in told
    assert "train.launcher=distribute" in told


def test_libraries_that_hang_are_given_up(monkeypatch, tmp_path):
    package(tmp_path, "tensorflow", "import time; time.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setattr(doctor, "_LOAD_SECONDS", 0.5)
    hanging = doctor.start_loading()

    said = doctor.what_loaded(hanging)

    assert "within 0.5 s" in doctor.check_tensorflow(said).found
    assert hanging.returncode != 0


def test_a_tensorflow_that_is_there_and_does_not_load_is_of_no_use(monkeypatch, tmp_path):
    package(tmp_path, "tensorflow", "raise ImportError('libcudart.so.12: no such file\\nmore')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")

    said = doctor.what_loaded(doctor.start_loading())
    tensorflow, _, launchers = doctor.check_launchers(said, {})

    assert tensorflow.found == "does not load (ImportError: libcudart.so.12: no such file)"
    assert not tensorflow.is_fit
    assert launchers.found.startswith("none")
    assert not launchers.is_fit


def test_it_says_which_launchers_can_be_used_and_why_not_the_others():
    def launchers(said):
        return doctor.check_launchers(said, {})[-1]

    assert launchers(FIT).found == "barrier, stock, distribute, local"
    assert launchers(WITHOUT_HOROVOD).found == "distribute, local; barrier and stock need Horovod"
    assert launchers(WITHOUT_HOROVOD).is_fit


def test_the_launchers_that_count_are_those_of_the_cases(tmp_path):
    def wanted(*overrides):
        return doctor.wanted_launchers(ROOT / "conf", overrides)

    assert wanted() == {"barrier": "flight_delay"}
    assert wanted("train.launcher=distribute") == {"distribute": "flight_delay"}
    assert doctor.wanted_launchers(tmp_path, ()) == {}


@pytest.mark.parametrize(("launcher", "code"), [("barrier", 50), ("distribute", 0)])
def test_without_horovod_it_fails_only_if_that_is_asked_for(monkeypatch, capsys, launcher, code):
    monkeypatch.setattr(doctor, "what_loaded", lambda loading: loading.kill() or WITHOUT_HOROVOD)
    for name in ("check_java", "check_jars"):
        monkeypatch.setattr(doctor, name, lambda: doctor.Finding("x", "fit"))
    monkeypatch.setattr(doctor, "check_memory", lambda _: doctor.Finding("x", "fit"))

    found = tools.doctor(conf_dir=ROOT / "conf", set_=[f"train.launcher={launcher}"])

    assert found == code
    assert "barrier and stock need Horovod" in capsys.readouterr().out


def test_wrong_settings_are_one_finding(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "what_loaded", lambda loading: loading.kill() or FIT)

    findings = {finding.name: finding for finding in doctor.examine(tmp_path, "nowhere")}

    assert not findings["settings"].is_fit
    assert findings["python"].is_fit


@pytest.mark.horovod
def test_this_machine_is_fit():
    unfit = [finding for finding in doctor.examine(ROOT / "conf", "local") if not finding.is_fit]

    assert unfit == []
