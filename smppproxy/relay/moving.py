"""What waits for one target of its route and goes to another one that has room before it.

Only messages of routes with ``overflow = "next"`` do, and, with ``throttled = "next"``, those that
a provider has throttled. A provider with room takes them in the order in which they came to us, and
in one order with what waits for it itself: of one client's messages none overtakes another one on
its way to a bind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice, takewhile
from operator import itemgetter

from smppproxy.relay.directory import Directory
from smppproxy.relay.dispatch import Dispatch, may_move
from smppproxy.relay.pool import Pool
from smppproxy.relay.reasons import UNFIT, reason_of
from smppproxy.relay.rules import RefusedError
from smppproxy.relay.submission import Submit


class Moving:
    """Looks for what may move."""

    def __init__(self, directory: Directory, dispatch: Dispatch) -> None:
        self._directory = directory
        self._dispatch = dispatch

    @property
    def needed(self) -> bool:
        """Whether there may be anything."""
        return bool(self._dispatch.movable)

    def pools_with_room(self, now: float) -> list[Pool]:
        """Providers that could take something at this moment; none when nothing may move."""
        movable = self._dispatch.movable
        movable -= {pool for pool in movable if not any(map(may_move, pool.backlog))}
        if not movable:
            return []
        return [pool for pool in self._directory.pools.values() if room_of(pool, now) > 0]

    def pull(self, pool: Pool, now: float) -> None:
        """Let wait here what may come here, as far as there is room for it and it is its turn."""
        room = room_of(pool, now)
        if room <= 0:
            return
        name = pool.provider.name
        waiting = [_line(pool, islice(tuple(pool.backlog), room))]
        for other in self._dispatch.movable:
            if other is not pool:
                waiting.append(_line(other, candidates(other, name)))
        for *_, submit, other in merge(*waiting, key=itemgetter(0, 1)):
            if other is pool or self._move(submit, other, pool, now):
                room -= 1
            if not room:
                return

    def _move(self, submit: Submit, other: Pool, pool: Pool, now: float) -> bool:
        whole = submit if submit.group is None else submit.group.message
        try:
            parts = self._dispatch.prepare(whole, pool, now)
        except RefusedError:
            self._dispatch.reasons.note(whole, pool.provider.name, UNFIT)
            return False
        for name in takewhile(lambda name: name != pool.provider.name, whole.targets):
            before = self._directory.pools.get(name)
            self._dispatch.reasons.note(whole, name, reason_of(before))
        for waiting in (submit,) if submit.group is None else submit.group.parts:
            other.backlog.remove(waiting)
        for part in parts:
            pool.put_back(part)
        self._dispatch.movable.add(pool)
        return True


def _line(pool: Pool, submits: Iterable[Submit]) -> Iterator[tuple[bool, int, Submit, Pool]]:
    """Submits with what says whose turn is first, and where they wait."""
    for submit in submits:
        yield not submit.urgent, submit.number, submit, pool


def room_of(pool: Pool, now: float) -> int:
    """How many submits could go to a provider now, as far as windows say."""
    bucket = pool.speed.bucket
    if bucket is not None and pool.own and bucket.wait(now) > 0:
        return 0
    return sum(max(0, bind.session.window.room) for bind in pool.open if bind.writable)


def candidates(pool: Pool, name: str) -> Iterator[Submit]:
    """The submits in a backlog that may go to this provider, in order; one per message."""
    groups = set()
    unfit = (name, UNFIT, 0)
    for submit in tuple(pool.backlog):
        group = submit.group
        whole = submit if group is None else group.message
        if name not in whole.targets or unfit in whole.skipped or id(group) in groups:
            continue
        if may_move(submit):
            if group is not None:
                groups.add(id(group))
            yield submit
