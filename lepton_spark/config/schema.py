"""The form of a case file as JSON schema, for editors that complete and check as one types."""

from __future__ import annotations

import json
from typing import Any

from lepton_spark.config.case import Case

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def case_schema() -> str:
    """JSON schema of a case file: every key with its description, type, range and default."""
    schema: dict[str, Any] = {"$schema": _DIALECT}
    schema.update(Case.model_json_schema(by_alias=True))
    schema["title"] = "A case of lepton_spark"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
