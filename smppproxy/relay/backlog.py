"""The submits that wait for room in a provider's windows.

The accounts take turns: who has one message waiting is not behind the thousand of somebody else.
Those of one account go in the order in which they came. Before all turns go those that are urgent,
and those that went out and came back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smppproxy.relay.submission import Submit


class Backlog:
    """Iterates in the order in which :meth:`popleft` gives them."""

    __slots__ = ("_count", "_first", "_lines")

    def __init__(self) -> None:
        self._count = 0
        # Urgent ones, then those that came back, in their order.
        self._first: deque[Submit] = deque()
        # By account; the first one is the next in turn.
        self._lines: dict[str, deque[Submit]] = {}

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Submit]:
        yield from self._first
        turns = deque(iter(line) for line in self._lines.values())
        while turns:
            line = turns.popleft()
            for submit in line:
                yield submit
                turns.append(line)
                break

    def wait(self, submit: Submit) -> None:
        """Wait behind the others of its account; an urgent one only behind other urgent ones."""
        self._count += 1
        if submit.urgent:
            first = self._first
            place = 0
            while place < len(first) and first[place].urgent:
                place += 1
            first.insert(place, submit)
            return
        name = submit.account.system_id
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = deque()
        line.append(submit)

    def popleft(self) -> Submit:
        """The one whose turn it is; IndexError when nothing waits."""
        if self._first:
            self._count -= 1
            return self._first.popleft()
        lines = self._lines
        if not lines:
            raise IndexError("nothing waits")
        name = next(iter(lines))
        line = lines[name]
        submit = line.popleft()
        self._count -= 1
        if not line or len(lines) > 1:
            del lines[name]
            if line:
                lines[name] = line
        return submit

    def put_back(self, submit: Submit) -> None:
        """Its turn was too early: before all that waits for a turn.

        What was put back before it and came before it stays before it; urgent ones are before all
        others.
        """
        self._count += 1
        earlier: list[Submit] = []
        first = self._first
        order = (not submit.urgent, submit.number)
        while first and (not first[0].urgent, first[0].number) <= order:
            earlier.append(first.popleft())
        first.appendleft(submit)
        first.extendleft(reversed(earlier))

    def extendleft(self, submits: Sequence[Submit]) -> None:
        """These were popped, in this order, and go first the next time."""
        self._count += len(submits)
        self._first.extendleft(reversed(submits))

    def remove(self, submit: Submit) -> None:
        """This one waits no more; ValueError when it did not."""
        name = submit.account.system_id
        if submit in self._first:
            self._first.remove(submit)
        else:
            line = self._lines.get(name, deque())
            line.remove(submit)
            if not line:
                del self._lines[name]
        self._count -= 1

    def take(self, which: Callable[[Submit], bool]) -> list[Submit]:
        """Those that ``which`` says wait no more."""
        taken = [submit for submit in self if which(submit)]
        if not taken:
            return taken
        # At once: many of a long line may be too old in one moment.
        gone = set(taken)
        self._first = deque(submit for submit in self._first if submit not in gone)
        for name, line in [*self._lines.items()]:
            left = deque(submit for submit in line if submit not in gone)
            if left:
                self._lines[name] = left
            else:
                del self._lines[name]
        self._count -= len(taken)
        return taken

    def clear(self) -> None:
        """Nothing waits."""
        self._count = 0
        self._first.clear()
        self._lines.clear()
