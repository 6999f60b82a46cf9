"""Hold formats whose columns are known without a file against the columns of a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.column import fold
from lepton_spark.config.document import refuse
from lepton_spark.config.format import Files, FixedWidth, Idx
from lepton_spark.config.nearest import nearest

if TYPE_CHECKING:
    from lepton_spark.config.contract import Contract
    from lepton_spark.config.format import Format


def check_offered(place: str, form: Format, contract: Contract) -> None:
    """See that the files of a source have every column that its contract promises.

    Args:
        place: Where in the files of the configuration the source is.
        form: How its files are written; of most formats only the files say what they have.
        contract: Of the source.

    Raises:
        ConfigError: A column is in none of them.
    """
    if not isinstance(form, FixedWidth | Idx | Files):
        return
    known = {fold(name) for name in form.offered}
    for column in contract.columns:
        name = column.header or column.name
        if fold(name) in known:
            continue
        if isinstance(form, FixedWidth):
            why = "a column of fixed width is where the case says, and it says nothing of this one"
            fix = f"add {name}: [first, last] to fixed_width.columns"
        else:
            why = f"these files have the columns {', '.join(form.offered)}"
            fix = f"give the name of one of them as physicalName: {nearest(name, form.offered)}"
        refuse(
            place,
            f"the contract {contract.name} promises {name}, which these files do not have",
            why,
            f"{fix}; or drop it from the contract, or make it in derive",
            code="LS-1093",
        )
