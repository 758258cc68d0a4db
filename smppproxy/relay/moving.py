"""What waits for one target of its route and goes to another one that has room before it.

Only messages of routes with ``overflow = "next"`` do, and, with ``throttled = "next"``, those that
a provider has throttled. A provider with room takes them in the order in which they came to us, and
in one order with what waits for it itself: of one client's messages none overtakes another one on
its way to a bind.
"""

from __future__ import annotations

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
        """Providers that could take something at this moment."""
        return [pool for pool in self._directory.pools.values() if room_of(pool, now) > 0]

    def pull(self, pool: Pool, now: float) -> bool:
        """Let what may come here wait here, as much as there is room for; whether anything does."""
        room = room_of(pool, now)
        if room <= 0:
            return False
        name = pool.provider.name
        found: list[tuple[bool, int, Submit, Pool]] = []
        for other in [*self._dispatch.movable]:
            if other is pool:
                continue
            some = list(candidates(other, name, room))
            found += [(not each.urgent, each.number, each, other) for each in some]
            if not some and not any(map(may_move, other.backlog)):
                self._dispatch.movable.discard(other)
        moved = 0
        for *_, submit, other in sorted(found, key=lambda one: one[:2]):
            if moved < room and self._move(submit, other, pool, now):
                moved += 1
        return moved > 0

    def _move(self, submit: Submit, other: Pool, pool: Pool, now: float) -> bool:
        whole = submit if submit.group is None else submit.group.message
        try:
            parts = self._dispatch.prepare(whole, pool, now)
        except RefusedError:
            return False
        for waiting in (submit,) if submit.group is None else submit.group.parts:
            other.backlog.remove(waiting)
        for part in parts:
            pool.put_back(part)
        self._dispatch.movable.add(pool)
        return True


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
