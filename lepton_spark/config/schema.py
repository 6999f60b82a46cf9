"""The form of a case file as JSON schema, for editors that complete and check as one types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lepton_spark.config.case import Case
from lepton_spark.config.environment import Environment

if TYPE_CHECKING:
    from pydantic import BaseModel

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def case_schema() -> str:
    """JSON schema of a case file: every key with its description, type, range and default."""
    return _schema(Case, "A case of lepton_spark")


def environment_schema() -> str:
    """JSON schema of an environment file."""
    return _schema(Environment, "An environment of lepton_spark")


def _schema(model: type[BaseModel], title: str) -> str:
    schema: dict[str, Any] = {"$schema": _DIALECT}
    schema.update(model.model_json_schema(by_alias=True))
    schema["title"] = title
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
