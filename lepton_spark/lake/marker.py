"""The mark that a publication leaves in the table's own history: the only sign that it is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_FORM = 1


@dataclass(frozen=True)
class Marker:
    """What one commit says of itself.

    Args:
        version: Delta version that the commit made.
        job: Which kind of publication this is, such as `score`.
        key: What identifies it among those of the job, usually the logical date.
        fingerprint: Digest of all that the content follows from.
        revision: Raised by hand where other content replaces a key.
        rows: Rows in the publication.
        facts: Whatever the job wants to find again, JSON-ready.
    """

    version: int
    run_id: str
    job: str
    key: str
    fingerprint: str
    revision: int
    rows: int
    code_version: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text that goes into the commit; the version is left out, as the commit makes it."""
        document = {"lepton": _FORM, **asdict(self)}
        del document["version"]
        return json.dumps(document, sort_keys=True, separators=(",", ":"))


def json_digest(document: object) -> str:
    """SHA-256 of a JSON-ready document, hexadecimal; the order of its keys does not matter."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def marker_from(version: int, text: str | None) -> Marker | None:
    """Read a commit's user metadata; None where the commit is not one of ours."""
    if not text or '"lepton"' not in text:
        return None
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return None
    if not isinstance(document, dict) or document.pop("lepton", None) != _FORM:
        return None
    return Marker(version=version, **document)
