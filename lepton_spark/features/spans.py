"""Spans: over which questions each event counts, and what is found there of all that do.

Questions are in a row, and an event counts over a run of them. Nothing is done for each pair of a
question and an event: a span is told to the few nodes of a tree that cover it, or only where it
begins and ends. NumPy only: this runs in Spark's Python workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
_NONE = -1


@dataclass(frozen=True)
class Spans:
    """Runs of questions, `begin` included and `end` not; none is empty.

    Args:
        event: The place of the event of each run.
        number: How many questions there are.
    """

    begin: Whole
    end: Whole
    event: Whole
    number: int

    def __len__(self) -> int:
        return len(self.event)

    @classmethod
    def of(cls, begin: Whole, end: Whole, number: int) -> Spans:
        """A run for each event that counts over any question."""
        event = np.flatnonzero(begin < end)
        return cls(begin[event], end[event], event, number)

    def only(self, is_kept: npt.NDArray[Any]) -> Spans:
        """The runs of those events for which a mask of all events is true."""
        chosen = is_kept[self.event]
        return Spans(self.begin[chosen], self.end[chosen], self.event[chosen], self.number)

    def total(self, added: Whole) -> Whole:
        """For each question the sum over all that count, of a whole number for each event."""
        return self._running(added[self.event])

    def largest(self, rank: Whole, number: int = 1) -> Whole:
        """For each question the largest ranks of all that count, down each row; -1 where fewer.

        Args:
            rank: Of each event, 0 or more; no two events of a question have the same unless
                only one is asked for.
            number: How many ranks. Memory grows with it and the questions.
        """
        tree = _Tree(self.number, number)
        tree.tell(*_nodes(self.begin, self.end, rank[self.event], self.number))
        return tree.answers()

    def newest(self, rank: Whole, number: int) -> Spans:
        """A run of one question for each of the so many newest events that count there.

        Args:
            rank: Of each event, its place in time: 0, 1, 2 and so on.
            number: How many, at most.
        """
        found = self.largest(rank, number)
        question, place = np.nonzero(found != _NONE)
        at = np.empty(len(rank), dtype=np.int64)
        at[rank] = np.arange(len(rank))
        return Spans(question, question + 1, at[found[question, place]], self.number)

    def ranked(self, rank: Whole, wanted: Whole) -> Whole:
        """For each question the rank at a place among all that count, counted up from 0.

        Args:
            rank: Of each event, 0 or more; equal ones have places of their own.
            wanted: The place for each question; without meaning where it is too high.
        """
        rank, wanted = rank[self.event], wanted.copy()
        found = np.zeros(self.number, dtype=np.int64)
        width = self.number + 1
        asked = np.arange(self.number)
        for bit in reversed(range(int(rank.max(initial=0)).bit_length())):
            node = (rank >> bit) * width
            lower = found * 2
            place = lower * width + asked
            entered = np.searchsorted(np.sort(node + self.begin), place, side="right")
            left = np.searchsorted(np.sort(node + self.end), place, side="right")
            # What begins before this node ends before it too: only its own are counted.
            below = entered - left
            is_higher = wanted >= below
            wanted = np.where(is_higher, wanted - below, wanted)
            found = lower + is_higher
        return found

    def by_category(self, code: Whole) -> Categories:
        """How often each category is there, wherever that changes.

        Args:
            code: Category of each event, 0 or more.
        """
        key = code[self.event] * (self.number + 1)
        change, place = np.unique(
            np.concatenate([key + self.begin, key + self.end]), return_inverse=True
        )
        difference = np.zeros(len(change), dtype=np.int64)
        np.add.at(difference, place[: len(self)], 1)
        np.add.at(difference, place[len(self) :], -1)
        # All that enters of a category leaves again, so that each begins at 0.
        after = np.cumsum(difference)
        code, question = np.divmod(change, self.number + 1)
        return Categories(code, question, after, after - difference, self.number)

    def _running(self, added: Whole) -> Whole:
        changes = np.zeros(self.number + 1, dtype=np.int64)
        np.add.at(changes, self.begin, added)
        np.subtract.at(changes, self.end, added)
        running: Whole = np.cumsum(changes)[:-1]
        return running


@dataclass(frozen=True)
class Categories:
    """Changes of how often categories are there, by category and then question.

    Args:
        after: How often from the question on, until the next change of the category.
        before: How often up to the question.
        number: How many questions there are.
    """

    code: Whole
    question: Whole
    after: Whole
    before: Whole
    number: int

    def distinct(self) -> Whole:
        """For each question how many categories are there."""
        return self.total((self.after > 0).astype(np.int64), (self.before > 0).astype(np.int64))

    def total(self, after: Whole, before: Whole) -> Whole:
        """For each question the sum over categories of what the changes turned before into."""
        changes = np.zeros(self.number + 1, dtype=np.int64)
        np.add.at(changes, self.question, after - before)
        running: Whole = np.cumsum(changes)[:-1]
        return running

    def most_frequent(self) -> Whole:
        """For each question the code that is there most often, the lowest of equals; else -1."""
        is_there = np.flatnonzero(self.after > 0)
        if not len(is_there):
            return np.full(self.number, _NONE, dtype=np.int64)
        codes = int(self.code.max()) + 1
        # The last change of a category leaves nothing, so that each of these has a next one.
        spans = Spans(self.question[is_there], self.question[is_there + 1], is_there, self.number)
        found = spans.largest(self.after * codes + (codes - 1 - self.code))[:, 0]
        return np.where(found == _NONE, _NONE, codes - 1 - found % codes)


class _Tree:
    """A binary tree above the questions; each node holds the largest that cover all below it."""

    def __init__(self, questions: int, number: int) -> None:
        self._questions = questions
        self._held = np.full((2 * max(questions, 1), number), _NONE, dtype=np.int64)

    def tell(self, node: Whole, rank: Whole) -> None:
        """Let nodes hold ranks, as far as they are among the largest there."""
        number = self._held.shape[1]
        if number == 1:
            np.maximum.at(self._held[:, 0], node, rank)
            return
        order = np.lexsort((-rank, node))
        node, rank = node[order], rank[order]
        starts = np.flatnonzero(np.diff(node, prepend=-1))
        lengths = np.diff(starts, append=len(node))
        within = np.arange(len(node)) - np.repeat(starts, lengths)
        is_kept = within < number
        self._held[node[is_kept], within[is_kept]] = rank[is_kept]

    def answers(self) -> Whole:
        """For each question what its nodes hold together, the largest first."""
        held, number = self._held, self._held.shape[1]
        level = 1
        while level < self._questions:
            above = np.arange(level, min(2 * level, self._questions))
            for child in (2 * above, 2 * above + 1):
                if number == 1:
                    held[child] = np.maximum(held[child], held[above])
                else:
                    both = np.concatenate([held[child], held[above]], axis=1)
                    held[child] = -np.sort(-both, axis=1)[:, :number]
            level *= 2
        return held[self._questions :] if self._questions else held[:0]


def _nodes(begin: Whole, end: Whole, rank: Whole, questions: int) -> tuple[Whole, Whole]:
    """The nodes that cover each run together, no question twice, with its rank."""
    begin, end = begin + questions, end + questions
    nodes, ranks = [], []
    while len(begin):
        for is_edge, node in ((begin % 2 == 1, begin), (end % 2 == 1, end - 1)):
            nodes.append(node[is_edge])
            ranks.append(rank[is_edge])
        begin, end = (begin + 1) // 2, end // 2
        is_left = begin < end
        begin, end, rank = begin[is_left], end[is_left], rank[is_left]
    if not nodes:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate(nodes), np.concatenate(ranks)
