"""Name what was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def closest(word: str, known: Collection[str]) -> str | None:
    """The known word that was probably meant; None where none is like it."""
    by_lower = {name.lower(): name for name in sorted(known)}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def nearest(word: str, known: Collection[str]) -> str:
    """Suggest a fix for a word that is none of the known ones.

    Returns:
        `did you mean x?`, or the known words, at most twenty.
    """
    close = closest(word, known)
    if close is not None:
        return f"did you mean {close}?"
    if not known:
        return "there is none to choose from"
    shown = sorted(known)[:20]
    more = "" if len(known) <= len(shown) else f" and {len(known) - len(shown)} more"
    return f"choose from {', '.join(shown)}{more}"
