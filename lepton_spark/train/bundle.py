"""A model as data: files with a manifest of digests, each checked before anything is parsed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.errors import ModelError
from lepton_spark.lake import files
from lepton_spark.lake.catalog import join, scheme_of
from lepton_spark.models.predictor import KINDS, WEIGHTS_FILES
from lepton_spark.models.shape import Shape

MANIFEST = "manifest.json"
FORM = 1
# Everything that a bundle may hold, and how large it may be.
LIMITS: Mapping[str, int] = {
    "spec.json": 1 << 20,
    "transform.json": 256 << 20,
    "contract.json": 16 << 20,
    "snapshot.json": 16 << 20,
    "training.json": 16 << 20,
    "gate.json": 1 << 20,
    "evaluation.json": 64 << 20,
    "weights.npz": 4 << 30,
    "booster.json": 1 << 30,
}
REQUIRED = ("spec.json", "transform.json", "contract.json", "snapshot.json", "training.json")
_MANIFEST_LIMIT = 64 << 10
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Bundle:
    """The files of one model, by name; all but the weights are JSON."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def manifest(self) -> bytes:
        """Size and SHA-256 of each file, as canonical JSON."""
        entries = {
            name: {"bytes": len(content), "sha256": sha256(content)}
            for name, content in sorted(self.files.items())
        }
        return to_json({"form": FORM, "files": entries})

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest: the one name of this model and all that belongs to it."""
        return sha256(self.manifest)

    def document(self, name: str) -> Any:
        """A JSON file, parsed.

        Raises:
            ModelError: It is missing or is not JSON.
        """
        try:
            return json.loads(self.files[name])
        except (KeyError, ValueError) as error:
            raise _refused("LS-3006", f"{name} of the model is missing or no JSON") from error

    @property
    def spec(self) -> Mapping[str, Any]:
        """Kind, sizes and settings of the model."""
        spec: Mapping[str, Any] = self.document("spec.json")
        return spec

    @property
    def transform(self) -> FeatureTransform:
        """The fitted transform of its input."""
        return FeatureTransform.from_json(self.files["transform.json"].decode("utf-8"))

    def plus(self, documents: Mapping[str, Any]) -> Bundle:
        """The same bundle with further JSON files."""
        added = {name: to_json(document) for name, document in documents.items()}
        return Bundle({**self.files, **added})


def to_json(document: Any) -> bytes:
    """Canonical JSON: the same bytes for the same document."""
    text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def sha256(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write(uri: str, bundle: Bundle) -> str:
    """Write a bundle to an empty or half-written folder, the manifest last.

    Args:
        uri: Folder; what else is in it is removed.
        bundle: Refused as by `load` where it is not whole.

    Returns:
        Its digest.
    """
    _check_names(bundle.files)
    _check_sizes(bundle.files)
    check(bundle)
    files.delete_tree(uri)
    for name, content in bundle.files.items():
        files.write_atomically(join(uri, name), content)
    files.write_atomically(join(uri, MANIFEST), bundle.manifest)
    return bundle.digest


def load(uri: str, expected_digest: str | None = None) -> Bundle:
    """Read a bundle, each file once, and check every digest before anything in it is parsed.

    Args:
        uri: Folder.
        expected_digest: From where the model was registered; without it the manifest is believed,
            which is right only for a candidate that this installation has just written.

    Raises:
        ModelError: A file is missing, added, changed, too large, a link, or of a foreign format.
    """
    sizes = _sizes(uri)
    manifest = _manifest(uri, expected_digest)
    _check_names(manifest)
    extra, missing = set(sizes) - {MANIFEST, *manifest}, set(manifest) - set(sizes)
    if extra or missing:
        raise _refused("LS-3005", f"{len(extra)} files more and {len(missing)} fewer than listed")
    bundle = Bundle({name: _read(uri, name, sizes[name], manifest[name]) for name in manifest})
    check(bundle)
    return bundle


def check(bundle: Bundle) -> None:
    """See that spec, transform and contract agree on the input, without building the model.

    Raises:
        ModelError: The spec names an unknown kind, or other columns or sizes than the transform.
    """
    missing = set(REQUIRED) - set(bundle.files)
    if missing:
        raise _refused("LS-3006", f"the model lacks {sorted(missing)}")
    spec, transform = bundle.spec, bundle.transform
    if not isinstance(spec, dict) or spec.get("kind") not in KINDS:
        raise _refused("LS-3007", f"the spec names an unknown kind; known are {', '.join(KINDS)}")
    weights = WEIGHTS_FILES[spec["kind"]]
    if {"weights.npz", "booster.json"} & set(bundle.files) != set(weights):
        named = " and ".join(weights) or "no weights"
        raise _refused("LS-3003", f"a {spec['kind']} model has {named} only")
    sizes = Shape.of(transform).to_spec()
    if any(spec.get(name) != size for name, size in sizes.items()):
        raise _refused("LS-3009", "spec and transform disagree about the sizes of the input")
    check_columns(bundle, [str(entry["name"]) for entry in _columns(bundle)])


def check_columns(bundle: Bundle, names: list[str]) -> None:
    """See that columns are those that the model was fitted with, in their order.

    Raises:
        ModelError: Names or order differ.
    """
    expected = list(bundle.transform.columns)
    if names == expected:
        return
    missing, extra = sorted(set(expected) - set(names)), sorted(set(names) - set(expected))
    difference = f"missing {missing}, added {extra}" if missing or extra else "another order"
    raise ModelError(
        "LS-3009",
        f"the model has {len(expected)} input columns, the contract {len(names)}: {difference}",
        "a model is given the columns that it was fitted with",
        "build the features with the case file of this model, or train again",
    )


def _columns(bundle: Bundle) -> list[Mapping[str, Any]]:
    try:
        columns = bundle.document("contract.json")["columns"]
        return [dict(column, name=column["name"]) for column in columns]
    except (TypeError, KeyError, ValueError) as error:
        raise _refused("LS-3006", "contract.json of the model names no columns") from error


def _sizes(uri: str) -> dict[str, int]:
    names = files.names_in(uri)
    if MANIFEST not in names:
        raise _refused("LS-3004", f"there is no model at {uri}: it has no {MANIFEST}")
    if scheme_of(uri) == "file":
        folder = Path(join(uri))
        if any(path.is_symlink() for path in (folder, *(folder / name for name in names))):
            raise _refused("LS-3005", "a file of the model is a link")
    sizes = {info.path: info.size for info in files.list_files(uri)}
    if set(sizes) != set(names):
        raise _refused("LS-3005", "the folder of the model holds hidden files or folders")
    return sizes


def _manifest(uri: str, expected_digest: str | None) -> dict[str, Mapping[str, Any]]:
    content = files.read_bytes(join(uri, MANIFEST))
    if len(content) > _MANIFEST_LIMIT:
        raise _refused("LS-3005", f"{MANIFEST} is larger than {_MANIFEST_LIMIT} bytes")
    if expected_digest is not None and sha256(content) != expected_digest:
        raise _refused("LS-3001", f"{MANIFEST}: digest mismatch")
    try:
        document = json.loads(content)
        entries = document["files"]
        is_sound = document["form"] == FORM and all(map(_is_entry, entries.values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused("LS-3001", f"{MANIFEST} cannot be read") from error
    if not is_sound:
        raise _refused("LS-3001", f"{MANIFEST} is not of form {FORM}")
    return dict(entries)


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and type(entry.get("bytes")) is int
        and _DIGEST.fullmatch(str(entry.get("sha256"))) is not None
    )


def _check_names(names: Mapping[str, object]) -> None:
    foreign = [name for name in names if name not in LIMITS]
    if foreign:
        raise _refused(
            "LS-3003",
            f"format not accepted: {len(foreign)} files are none of {', '.join(LIMITS)}",
        )


def _check_sizes(contents: Mapping[str, bytes]) -> None:
    """See that what is written can be read again."""
    for name, content in contents.items():
        if len(content) > LIMITS[name]:
            raise _refused("LS-3016", f"{name} has {len(content)} bytes, at most {LIMITS[name]}")


def _read(uri: str, name: str, size: int, entry: Mapping[str, Any]) -> bytes:
    if size != entry["bytes"] or size > LIMITS[name]:
        raise _refused("LS-3001", f"{name} has {size} bytes, at most {LIMITS[name]} as listed")
    content = files.read_bytes(join(uri, name))
    if sha256(content) != entry["sha256"]:
        raise _refused("LS-3001", f"{name}: digest mismatch")
    return content


def _refused(code: str, what: str) -> ModelError:
    return ModelError(
        code,
        what,
        "a model is used only as it was written: listed files, JSON and plain arrays, each with "
        "its digest",
        "restore the model's files, choose an earlier version, or train again",
    )
