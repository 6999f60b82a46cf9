"""Hold a case against its contracts, and all of it against the environment: no Spark needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_spark.config.case_checker import CaseChecker
from lepton_spark.config.columns import SilverColumns, Where, dotted
from lepton_spark.config.contract import SUFFIX, Contract, load_contract
from lepton_spark.config.document import KeyPath, refuse
from lepton_spark.config.entity_checker import EntityChecker
from lepton_spark.config.format_checker import check_offered
from lepton_spark.config.loader import case_document, load_case, load_environment
from lepton_spark.config.location import STORAGE_SCHEMES, check_inside
from lepton_spark.config.nearest import nearest
from lepton_spark.config.own_columns import with_own_columns
from lepton_spark.config.reshape_checker import check_reshape, check_reshaped_key
from lepton_spark.config.rule_checker import RuleChecker
from lepton_spark.config.search_checker import SearchChecker
from lepton_spark.config.transform_checker import TransformChecker
from lepton_spark.config.window_checker import WindowChecker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lepton_spark.config.case import Case
    from lepton_spark.config.environment import Environment


@dataclass(frozen=True)
class Loaded:
    """A case that fits its contracts, and the place to run it.

    Args:
        contracts: By name, those that the sources point to.
    """

    case: Case
    environment: Environment
    contracts: Mapping[str, Contract]


def load_all(
    conf_dir: Path, case_name: str, env_name: str, overrides: Sequence[str] = ()
) -> Loaded:
    """Load and check everything that a command needs; starts nothing.

    Raises:
        ConfigError: Something is wrong or does not fit; the first such thing is told.
    """
    conf_dir = Path(conf_dir)
    environment = load_environment(conf_dir, env_name, overrides)
    case = load_case(conf_dir, case_name, overrides)
    document = case_document(conf_dir, case_name, overrides)
    contracts = load_contracts(conf_dir, case, where=document.place_of)
    case = check_case(case, contracts, where=document.place_of)
    _check_place(case, environment, document.place_of)
    return Loaded(case, environment, contracts)


def load_contracts(conf_dir: Path, case: Case, *, where: Where = dotted) -> dict[str, Contract]:
    """The contracts of all sources of a case, by name.

    Raises:
        ConfigError: One is absent or wrong.
    """
    contracts: dict[str, Contract] = {}
    names = {path.name.removesuffix(SUFFIX) for path in Path(conf_dir).glob("contracts/*")}
    for source, settings in case.sources.items():
        if settings.contract not in names:
            path: KeyPath = ("sources", source, "contract")
            refuse(
                where(path),
                f"there is no contract {settings.contract}",
                f"it would be {conf_dir}/contracts/{settings.contract}{SUFFIX}",
                nearest(settings.contract, names),
                code="LS-1000",
            )
        contracts[settings.contract] = load_contract(conf_dir, settings.contract)
    return contracts


def check_case(case: Case, contracts: Mapping[str, Contract], *, where: Where = dotted) -> Case:
    """See that everything a case names is there and fits.

    Args:
        case: As loaded.
        contracts: By name.
        where: Says where in the files a key path was written.

    Returns:
        The case, with the columns that features.own stands for in place of patterns.

    Raises:
        ConfigError: The first thing that does not.
    """
    silver = SilverColumns(case, contracts, where)
    for source, settings in case.sources.items():
        place, contract = where(("sources", source)), contracts[settings.contract]
        check_reshape(place, settings.format, contract)
        check_offered(place, settings.format, contract)
        columns = silver.of(source)
        check_reshaped_key(where(("sources", source, "key")), settings, contract, columns)
    RuleChecker(case, contracts, silver, where).check()
    for entity in case.entities:
        silver.learn(entity, EntityChecker(case, silver, where).check_entity(entity))
    checker = CaseChecker(case, silver, where)
    checker.check_prediction()
    case, where = with_own_columns(case, silver.of(case.predict.each), where)
    if case.has_aim:
        checker.check_label()
        checker.check_models()
    features = WindowChecker(case, silver, where)
    features.check_own()
    for source, latest in case.features.latest.items():
        features.check_latest(source, latest)
    for source, history in case.features.history.items():
        features.check_history(source, history)
    features.check_episodes()
    for source, windows in case.features.windows.items():
        features.check_windows(source, windows)
    features.check_names()
    TransformChecker(case, silver, where).check_transform()
    SearchChecker(case, where, lambda changed: check_case(changed, contracts)).check_search()
    return case


def _check_place(case: Case, environment: Environment, where: Where) -> None:
    """See that the environment can hold the case."""
    most = environment.max_workers
    if most is not None and case.train.workers > most:
        refuse(
            where(("train", "workers")),
            f"{case.train.workers} training processes are asked for",
            f"the environment {environment.name} holds at most {most}",
            f"set train.workers={most}, or raise max_workers of the environment",
            code="LS-1007",
        )
    landing = environment.landing or f"{environment.lakehouse}/landing"
    if landing.split(":", 1)[0] in STORAGE_SCHEMES:
        return
    for name, source in case.sources.items():
        place = where(("sources", name, "path"))
        check_inside(Path(landing) / case.case, source.path, where=place)
