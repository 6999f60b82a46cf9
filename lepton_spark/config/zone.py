"""Time zones by name, as Python and Java both know them."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

# Files beside the zones that only some databases have, and names that Java 17 does not know.
_NO_ZONES = ("Factory", "localtime", "posixrules", "leapseconds", "ROC", "America/Coyhaique")


@cache
def known_zones() -> tuple[str, ...]:
    """Names of the IANA database: for any other name Spark would end the job."""
    return tuple(sorted(available_timezones().difference(_NO_ZONES)))


def is_known_zone(name: str) -> bool:
    """True for a name of the IANA time zone database that Java knows too."""
    return name in known_zones()


def read_zone(name: str) -> str:
    """Give back the name of a zone.

    Raises:
        ValueError: It is none that Python and Java know.
    """
    if not is_known_zone(name):
        raise ValueError("not an IANA time zone that Java knows, such as Europe/Vienna")
    return name
