"""What waits for one target of its route and goes to another one that has room before it.

Only messages of routes with ``overflow = "next"`` do, and, with ``throttled = "next"``, those that
a provider has throttled. A provider with room takes them in the order in which they came to us, and
in one order with what waits for it itself: of one client's messages none overtakes another one on
its way to a bind.
"""

from __future__ import annotations

from itertools import islice
from operator import itemgetter

from smppproxy.relay.directory import Directory
from smppproxy.relay.dispatch import Dispatch, may_move
from smppproxy.relay.pool import Pool
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
        first = [(*_turn(each), each, pool) for each in islice(pool.backlog, room)]
        for other in self._dispatch.movable:
            if other is not pool:
                some = candidates(other, name, room)
                first += [(*_turn(each), each, other) for each in some]
        for *_, submit, other in sorted(first, key=itemgetter(0, 1))[:room]:
            if other is not pool:
                self._move(submit, other, pool, now)

    def _move(self, submit: Submit, other: Pool, pool: Pool, now: float) -> None:
        whole = submit if submit.group is None else submit.group.message
        try:
            parts = self._dispatch.prepare(whole, pool, now)
        except RefusedError:
            return
        for waiting in (submit,) if submit.group is None else submit.group.parts:
            other.backlog.remove(waiting)
        for part in parts:
            pool.put_back(part)
        self._dispatch.movable.add(pool)


def _turn(submit: Submit) -> tuple[bool, int]:
    """Whose turn is first, where messages of several backlogs wait for one provider."""
    return not submit.urgent, submit.number


def room_of(pool: Pool, now: float) -> int:
    """How many submits could go to a provider now, as far as windows say."""
    bucket = pool.speed.bucket
    if bucket is not None and bucket.wait(now) > 0:
        return 0
    return sum(max(0, bind.session.window.room) for bind in pool.open if bind.writable)


def candidates(pool: Pool, name: str, most: int) -> list[Submit]:
    """The first submits in a backlog that may go to this provider; one per message."""
    found: list[Submit] = []
    groups = set()
    for submit in pool.backlog:
        group = submit.group
        whole = submit if group is None else group.message
        if name not in whole.targets or not may_move(submit) or id(group) in groups:
            continue
        found.append(submit)
        if group is not None:
            groups.add(id(group))
        if len(found) == most:
            break
    return found
