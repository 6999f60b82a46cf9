"""Every exception lepton_spark raises on purpose: one class, one exit code a family.

An error tells five things: its code, what was found, why that breaks a rule, what state the
tables are in now, and how to fix it. None of them may hold a raw cell value.
"""

from __future__ import annotations


class LeptonError(Exception):
    """A problem that a user can mend.

    Args:
        code: Stable identifier, `LS-` and four digits; the first two name the family.
        what: What was found and where: a file, column, row number or setting.
        why: The rule that it breaks.
        fix: A command to run or a setting to change.
        state: What the failed command left behind.
    """

    exit_code = 70

    def __init__(
        self, code: str, what: str, why: str, fix: str, state: str = "nothing of it was published"
    ) -> None:
        super().__init__(code, what, why, fix, state)  # positional, so that it survives pickling
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
        self.state = state

    def __str__(self) -> str:
        return (
            f"{self.code}: {self.what}\n  Why: {self.why}\n  State: {self.state}\n  Fix: {self.fix}"
        )


class UsageError(LeptonError):
    """The command line is wrong (LS-02xx)."""

    exit_code = 2


class ConfigError(LeptonError):
    """A case, environment or contract file is wrong (LS-10xx)."""

    exit_code = 10


class DataError(LeptonError):
    """Raw data, a contract or an audit failed (LS-20xx)."""

    exit_code = 20


class ModelError(LeptonError):
    """A model may not be used: gate, digest or signature (LS-30xx)."""

    exit_code = 30


class ConflictError(LeptonError):
    """The same key was already published with another content (LS-40xx)."""

    exit_code = 40


class EnvironmentFault(LeptonError):
    """The machine, Spark or the storage is not fit (LS-50xx)."""

    exit_code = 50


class TrainingError(LeptonError):
    """Training cannot give a model (LS-60xx)."""

    exit_code = 60


class InternalError(LeptonError):
    """A fault of lepton_spark itself (LS-70xx)."""

    exit_code = 70


class TryAgainError(LeptonError):
    """A passing fault: the same command may succeed later (LS-75xx)."""

    exit_code = 75
