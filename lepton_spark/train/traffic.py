"""Ranks talk in plain text: what must be on before they do so between hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.errors import EnvironmentFault
from lepton_spark.train.judge import STATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

ISOLATED = "security.network: isolated"
_ENCRYPTION = ("spark.authenticate", "spark.network.crypto.enabled")


def missing_safeguards(spark: SparkSession, *, is_isolated: bool) -> list[str]:
    """Settings without which all ranks have to be on one host; none where all are set.

    Args:
        spark: The session, whose tasks are told where and with what key to meet.
        is_isolated: The environment declares that only hosts of the cluster are on its network.
    """
    found = {name: str(spark.conf.get(name, "false")).lower() for name in _ENCRYPTION}
    missing = [name for name in _ENCRYPTION if found[name] != "true"]
    return missing if is_isolated else [*missing, ISOLATED]


def refusal(missing: Sequence[str], *, is_one_host: bool) -> EnvironmentFault | None:
    """Why ranks may not train where they are; None where they may.

    Args:
        missing: Safeguards that are.
        is_one_host: All ranks are on the same one.
    """
    if is_one_host or not missing:
        return None
    return EnvironmentFault(
        "LS-5048",
        f"training processes would be on several hosts, without {', '.join(missing)}",
        "gradients travel between hosts in plain text, and ranks take what comes for one of them",
        "submit with --conf spark.authenticate=true --conf spark.network.crypto.enabled=true and,"
        f" where no other host can reach those of the cluster, write {ISOLATED} into the"
        " environment file; or train on one host: --set train.workers=1",
        STATE,
    )
