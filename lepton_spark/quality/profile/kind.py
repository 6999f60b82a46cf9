"""What is measured of a column, by the type that it has in Spark."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Of a number its values are measured, of a text its length."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    GUARDED = "guarded"  # personal: counted and nothing else
    OTHER = "other"  # an array, a struct, bytes: counted and nothing else

    @classmethod
    def of(cls, spark_type: str) -> Kind:
        """By the type's simple name, such as `decimal(10,2)`."""
        return _KINDS.get(spark_type.partition("(")[0], cls.OTHER)

    @property
    def is_measured(self) -> bool:
        """Whether more is told than how many values there are."""
        return self not in (Kind.GUARDED, Kind.OTHER)


_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
_KINDS = dict.fromkeys(_NUMBERS, Kind.NUMBER) | {
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "timestamp": Kind.TIMESTAMP,
    "timestamp_ntz": Kind.TIMESTAMP,
    "string": Kind.TEXT,
    "varchar": Kind.TEXT,
    "char": Kind.TEXT,
}
