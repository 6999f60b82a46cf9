"""Regular expressions that are safe to run: read alike by Python and Java, and within bounds.

Python checks a pattern and Java runs it on each row, so what only one of them understands is
refused. So is a repeated group that could be matched in very many ways, or that takes so much of
Java's stack that a long text would end the job.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import prod
from typing import NoReturn

from lepton_spark.config.column import MAX_PATTERN

MOST_LETTERS = 256  # of a text that is held against a pattern that loops
_PLAIN = "escape brackets and dots with a backslash, and write what Python and Java read alike"
_FEWER = "give the group few repeats, as in (a|b){1,3}, or one that is final, as in (?:a|b)*+"
_MOST_REPEATS = 1000
_MOST_WAYS = 100_000
# In parts of a pattern, which each take about 130 bytes. A thread of Java has room for 8,000.
_MOST_STACK = 4000
_GROUP_STACK = 5
_LOOP_STACK = 4

_LETTER = r"\\(?:[DdSsWwnrtfav]|x[0-9A-Fa-f]{2}|u(?![Dd][89A-Fa-f])[0-9A-Fa-f]{4}|[^0-9A-Za-z])"
_OF_CLASS = rf"(?:{_LETTER}|(?!&&|--|~~|\|\|)[^\[\]\\])"
_TOKEN = re.compile(
    rf"(?P<atom>{_LETTER}|\\[1-9](?![0-9])|\[\^?+(?:\]|{_OF_CLASS}){_OF_CLASS}*\]"
    r"|[^\\\[(){*+?|^$])"
    r"|(?P<anchor>[\^$]|\\[ABbZ]|\(\?[ims]+\))"
    r"|(?P<open>\((?:\?(?:[=!>]|<[=!]|[ims]*(?:-[ims]+)?:))?)"
    r"|(?P<close>\))|(?P<choice>\|)"
)
_REPEAT = re.compile(r"(?:(?P<sign>[*+?])|\{(?P<low>\d+)(?P<to>,(?P<high>\d*))?\})(?P<mode>[?+])?")
_SIGNS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
# What may match characters that take two places in Java: a repeat of it is no plain loop there.
_WIDE = re.compile(r"\.|\[\^.*|.*\\[DSW].*|.*[^\x00-\uffff].*", re.DOTALL)
_MARK = re.compile(r"\\?([^0-9A-Za-z.]|(?<=\\)\.)")


class PatternError(ValueError):
    """Why a pattern is not run, and what to do; both texts are shown to the user."""

    def __init__(self, why: str, fix: str = _PLAIN) -> None:
        super().__init__(why, fix)
        self.why = why
        self.fix = fix

    @classmethod
    def of_loop(cls) -> PatternError:
        """A group that is repeated without bound, where a text may have any length."""
        return cls("a group is repeated without bound, and long texts would end the job", _FEWER)


@dataclass(frozen=True)
class Pattern:
    """A pattern that may be run.

    Args:
        num_groups: Groups that can be referred to.
        loops: Whether a group is repeated without bound in a way that takes more stack for a
            longer text: it may be held against texts of at most `MOST_LETTERS` only.
    """

    num_groups: int
    loops: bool


def read_pattern(text: object) -> Pattern:
    """What is known of a regular expression.

    Raises:
        PatternError: It is none, Java would read it otherwise, or a text could make it endless.
    """
    if not isinstance(text, str) or not 0 < len(text) <= MAX_PATTERN:
        raise PatternError(f"it is no regular expression of at most {MAX_PATTERN} characters")
    reader = _Reader(text)
    try:
        reader.read()
        num_groups = re.compile(text).groups
    except (re.error, OverflowError):
        raise PatternError("it is no regular expression") from None
    return Pattern(num_groups, reader.loops)


@dataclass
class _Part:
    """A character, a class or a group, repeated or not.

    Args:
        atoms: All characters and classes in it.
        ways: In how many ways it can match one text, at most.
        stack: Parts that are on Java's stack until the whole pattern has matched.
        is_free: Whether it can match texts of several lengths, or has a choice.
        is_once: Whether it is one character or class, not repeated.
        is_marked: Whether its first or last character says where it begins or ends.
    """

    atoms: list[str]
    ways: int = 1
    stack: int = 1
    is_free: bool = False
    is_once: bool = False
    is_marked: bool = False


@dataclass
class _Open:
    """A group that is being read."""

    parts: list[_Part] = field(default_factory=list)
    choices: list[list[_Part]] = field(default_factory=list)

    def choose(self) -> None:
        """Begin what may be there instead of the parts so far."""
        self.choices.append(self.parts)
        self.parts = []

    def closed(self) -> _Part:
        """The group as a part of the one around it."""
        every = [*self.choices, self.parts]
        parts = [part for choice in every for part in choice]
        return _Part(
            [atom for part in parts for atom in part.atoms],
            ways=_capped(sum(prod(part.ways for part in choice) for choice in every)),
            stack=_GROUP_STACK + sum(part.stack for part in parts),
            is_free=bool(self.choices) or any(part.is_free for part in parts),
            is_marked=not self.choices and _is_marked(parts),
        )


class _Reader:
    """Goes through a pattern once, a token at a time."""

    def __init__(self, text: str) -> None:
        self.loops = False
        self._text = text
        self._place = 0
        self._open = [_Open()]

    def read(self) -> None:
        """Read it to its end; raises PatternError where it is not to be run."""
        while self._place < len(self._text):
            self._take()
        if len(self._open) > 1:
            self._refuse("a bracket is not closed")
        if self._open[0].closed().stack > _MOST_STACK:
            self._refuse("its groups repeat too often", _FEWER)

    def _take(self) -> None:
        token = _TOKEN.match(self._text, self._place)
        if token is None:
            self._refuse("Python and Java do not read it alike")
        self._place = token.end()
        if token.lastgroup == "open":
            self._open.append(_Open())
        elif token.lastgroup == "choice":
            self._open[-1].choose()
        elif token.lastgroup == "anchor":
            self._open[-1].parts.append(_Part([]))
        elif token.lastgroup == "atom":
            self._add(_Part([token[0]], is_free=_is_wide(token[0]), is_once=True))
        elif len(self._open) == 1:
            self._refuse("a bracket is closed that was not opened")
        else:
            self._add(self._open.pop().closed())

    def _add(self, part: _Part) -> None:
        repeat = _REPEAT.match(self._text, self._place)
        if repeat is not None:
            self._place = repeat.end()
            part = self._repeated(part, repeat)
        self._open[-1].parts.append(part)

    def _repeated(self, part: _Part, repeat: re.Match[str]) -> _Part:
        low, high = _span(repeat)
        if max(low, high or 0) > _MOST_REPEATS:
            self._refuse(f"it repeats more than {_MOST_REPEATS} times")
        is_final = repeat["mode"] == "+"
        changed = _Part(part.atoms, stack=part.stack, is_free=part.is_free or low != high)
        if part.is_once:
            changed.ways = 1 if is_final else _choices(low, high)
            changed.stack = high or 1 if part.is_free else 1
        elif is_final or high == 0:
            changed.ways = 1
        elif high == 1:
            changed.ways = _capped(part.ways + 1 - low)
        elif not part.is_free:
            changed.ways = _choices(low, high)
        else:
            self._loop(part, changed, low, high)
        return changed

    def _loop(self, part: _Part, changed: _Part, low: int, high: int | None) -> None:
        """A repeat for which Java calls itself once more for each time."""
        ways = 1 if part.is_marked else part.ways
        changed.ways = _capped(_choices(low, high) * ways ** (high or 1))
        if high is None:
            self.loops = True
        is_few = part.is_marked if high is None else changed.ways <= _MOST_WAYS
        if not is_few:
            self._refuse("a repeated group may take too long, or too much room", _FEWER)
        changed.stack = (high or MOST_LETTERS) * (_LOOP_STACK + part.stack - _GROUP_STACK)

    def _refuse(self, why: str, fix: str = _PLAIN) -> NoReturn:
        place = min(self._place + 1, len(self._text))
        raise PatternError(f"at character {place} of the regular expression {why}", fix)


def _span(repeat: re.Match[str]) -> tuple[int, int | None]:
    """The fewest and the most times; None without a bound."""
    if repeat["sign"]:
        return _SIGNS[repeat["sign"]]
    low = int(repeat["low"])
    if repeat["to"] is None:
        return low, low
    return low, int(repeat["high"]) if repeat["high"] else None


def _choices(low: int, high: int | None) -> int:
    return _MOST_WAYS + 1 if high is None else max(high - low + 1, 1)


def _capped(ways: int) -> int:
    return min(ways, _MOST_WAYS + 1)


def _is_wide(atom: str) -> bool:
    return _WIDE.fullmatch(atom) is not None


def _is_marked(parts: list[_Part]) -> bool:
    """Whether the first or the last part is a mark that no other part of a group matches."""
    for end in {0, len(parts) - 1} if parts else ():
        mark = _MARK.fullmatch(parts[end].atoms[0]) if parts[end].is_once else None
        others = [atom for part in (*parts[:end], *parts[end + 1 :]) for atom in part.atoms]
        if mark is not None and not any(_matches(atom, mark[1]) for atom in others):
            return True
    return False


def _matches(atom: str, mark: str) -> bool:
    is_reference = re.fullmatch(r"\\[1-9]", atom) is not None
    return is_reference or re.fullmatch(atom, mark, re.DOTALL) is not None
