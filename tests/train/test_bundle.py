"""A bundle is read only as it was written: every byte, every name, nothing more."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform, NumberColumn
from lepton_spark.errors import ModelError
from lepton_spark.models.predictor import load_predictor
from lepton_spark.models.weights import pack
from lepton_spark.train import bundle as bundles
from lepton_spark.train.bundle import MANIFEST, Bundle, sha256, to_json

TRANSFORM = FeatureTransform(
    (NumberColumn("age", 0, 100, 40, 40, 10, has_missing_flag=False),),
    (CategoryColumn("shop", ("a", "b")),),
    "0" * 64,
    10,
)


def small_bundle(**changed: object) -> Bundle:
    documents = {
        "spec": {"kind": "logistic", "width": 1, "cardinalities": [3]},
        "contract": {
            "columns": [{"name": "age", "type": "int"}, {"name": "shop", "type": "string"}]
        },
        "snapshot": {"version": 3},
        "training": {"history": []},
        **changed,
    }
    weights = {"coefficients": np.array([[1.0], [0], [1], [2]]), "intercepts": np.array([0.5])}
    return Bundle(
        {
            **{f"{name}.json": to_json(document) for name, document in documents.items()},
            "transform.json": TRANSFORM.to_json().encode(),
            "weights.npz": pack(weights),
        }
    )


@pytest.fixture
def written(tmp_path):
    folder = tmp_path / "model"
    return folder, bundles.write(str(folder), small_bundle())


def rewrite_manifest(folder: Path) -> None:
    """As one who can write files would do it."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}
    (folder / MANIFEST).write_bytes(Bundle(files).manifest)


def test_what_was_written_is_read_back(written):
    folder, digest = written

    found = bundles.load(str(folder), digest)

    assert found == small_bundle()
    assert found.digest == digest == sha256((folder / MANIFEST).read_bytes())
    assert found.transform == TRANSFORM
    assert load_predictor(found.spec, found.files)


def test_the_same_model_has_the_same_digest():
    assert small_bundle().digest == small_bundle().digest
    assert small_bundle().digest != small_bundle(training={"history": [1]}).digest


def test_what_is_added_changes_the_digest():
    judged = small_bundle().plus({"gate.json": {"verdict": "pass"}})

    assert judged.document("gate.json") == {"verdict": "pass"}
    assert judged.digest != small_bundle().digest


def test_one_flipped_bit_in_any_file_is_refused(written):
    folder, digest = written
    random = np.random.default_rng(3)
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for place in random.integers(0, len(whole), 30):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << int(random.integers(0, 8))
            path.write_bytes(bytes(damaged))
            with pytest.raises(ModelError, match="digest mismatch"):
                bundles.load(str(folder), digest)
        path.write_bytes(whole)
    assert bundles.load(str(folder), digest)


def test_nothing_is_parsed_before_its_digest_was_checked(written, monkeypatch):
    folder, digest = written
    (folder / "transform.json").write_text("{}" + " " * (len(TRANSFORM.to_json().encode()) - 2))

    def never(*_args):
        raise AssertionError("parsed")

    monkeypatch.setattr(FeatureTransform, "from_json", never)
    with pytest.raises(ModelError, match=r"transform.json: digest mismatch"):
        bundles.load(str(folder), digest)


def test_a_truncated_file_is_refused(written):
    folder, digest = written
    path = folder / "weights.npz"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ModelError, match=r"weights\.npz has"):
        bundles.load(str(folder), digest)


def test_a_gate_that_was_edited_with_its_manifest_is_refused(tmp_path):
    folder = tmp_path / "model"
    digest = bundles.write(str(folder), small_bundle().plus({"gate.json": {"verdict": "fail"}}))
    (folder / "gate.json").write_bytes(to_json({"verdict": "pass"}))
    rewrite_manifest(folder)

    with pytest.raises(ModelError, match="digest mismatch") as refused:
        bundles.load(str(folder), digest)

    assert refused.value.exit_code == 30


def test_another_model_in_its_place_is_refused(written):
    folder, digest = written
    bundles.write(str(folder), small_bundle(training={"history": [1]}))

    with pytest.raises(ModelError, match="digest mismatch"):
        bundles.load(str(folder), digest)


@pytest.mark.parametrize("name", ["model.h5", "model.keras", "saved_model.pb", "model.pkl"])
def test_a_foreign_format_is_refused_even_with_a_right_manifest(written, name):
    folder, _ = written
    (folder / name).write_bytes(b"anything")
    rewrite_manifest(folder)

    with pytest.raises(ModelError, match="format not accepted"):
        bundles.load(str(folder))


@pytest.mark.parametrize("name", ["extra.json", ".hidden", "_hidden", "folder/file"])
def test_a_file_that_is_not_listed_is_refused(written, name):
    folder, digest = written
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")

    with pytest.raises(ModelError):
        bundles.load(str(folder), digest)


def test_a_missing_file_is_refused(written):
    folder, digest = written
    (folder / "training.json").unlink()

    with pytest.raises(ModelError, match="1 fewer than listed"):
        bundles.load(str(folder), digest)


def test_a_link_is_refused(written, tmp_path):
    folder, digest = written
    target = tmp_path / "elsewhere"
    (folder / "weights.npz").rename(target)
    (folder / "weights.npz").symlink_to(target)

    with pytest.raises(ModelError, match="is a link"):
        bundles.load(str(folder), digest)


def test_a_name_that_leaves_the_folder_is_refused(written):
    folder, _ = written
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["../outside.json"] = manifest["files"].pop("training.json")
    (folder / MANIFEST).write_text(json.dumps(manifest))

    with pytest.raises(ModelError, match="format not accepted"):
        bundles.load(str(folder))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"form": 1, "files": []}',
        '{"form": 2, "files": {}}',
        '{"form": 1, "files": {"spec.json": {"bytes": "1"}}}',
    ],
)
def test_a_manifest_of_another_form_is_refused(written, text):
    folder, _ = written
    (folder / MANIFEST).write_text(text)

    with pytest.raises(ModelError):
        bundles.load(str(folder))


def test_no_model_is_told_from_a_damaged_one(tmp_path):
    with pytest.raises(ModelError, match="there is no model"):
        bundles.load(str(tmp_path / "nothing"))


def test_weights_of_objects_are_refused_although_their_digest_is_right(tmp_path):
    marker = tmp_path / "executed"

    class Harmful:
        def __reduce__(self):
            return (Path.touch, (marker,))

    archive = tmp_path / "weights.npz"
    np.savez(archive, coefficients=np.array([Harmful()], dtype=object), intercept=0.0)
    harmful = Bundle({**small_bundle().files, "weights.npz": archive.read_bytes()})
    digest = bundles.write(str(tmp_path / "model"), harmful)

    found = bundles.load(str(tmp_path / "model"), digest)
    with pytest.raises(ModelError):
        load_predictor(found.spec, found.files)

    assert not marker.exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"spec": {"kind": "lambda", "width": 1, "cardinalities": [3]}}, "unknown kind"),
        (
            {"spec": {"kind": "boosted_trees", "width": 1, "cardinalities": [3]}},
            "booster.json only",
        ),
        ({"spec": {"kind": "logistic", "width": 2, "cardinalities": [3]}}, "disagree"),
        ({"contract": {"columns": [{"name": "shop"}, {"name": "age"}]}}, "another order"),
        ({"contract": {"columns": [{"name": "age"}]}}, "added \\[\\]|missing \\['shop'\\]"),
        ({"contract": {}}, "names no columns"),
        ({"spec": []}, "unknown kind"),
    ],
    ids=["kind", "weights", "sizes", "order", "missing", "no columns", "no object"],
)
def test_files_that_contradict_each_other_are_refused(tmp_path, changed, said):
    with pytest.raises(ModelError, match=said):
        bundles.write(str(tmp_path / "model"), small_bundle(**changed))


def test_a_half_written_bundle_is_replaced(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "booster.json").write_text("left by a killed run")

    digest = bundles.write(str(folder), small_bundle())

    assert bundles.load(str(folder), digest) == small_bundle()


def test_what_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setitem(bundles.LIMITS, "weights.npz", 10)

    with pytest.raises(ModelError, match="LS-3016"):
        bundles.write(str(tmp_path / "model"), small_bundle())
    assert not (tmp_path / "model").exists()
