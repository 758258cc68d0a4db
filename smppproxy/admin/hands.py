"""The operator's hands on this node: what its verbs move in the rooms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError

from smppproxy.admin.errors import ApiError
from smppproxy.admin.targets import ACCOUNT, Target
from smppproxy.relay.relay import SmppRelay
from smppproxy.wire.admission import Admission
from smppproxy.wire.listener import ClientListener
from smppproxy.wire.pool import UpstreamPool

Want = Callable[[str, str, str, str, str], Deferred[str]]
"""Node ("" = all), provider, host, bind, state -> what was wanted before; see ``routing.states``
for accounts."""


class NodeHands:
    """Implements :class:`smppproxy.admin.verbs.Hands`.

    :param want: keeps what is wanted of a provider, host or bind.
    :param patience: seconds that clients' outstanding answers are waited for.
    :ivar is_draining: nobody is let in, until the node is resumed.
    """

    def __init__(
        self,
        relay: SmppRelay,
        admission: Admission,
        listeners: Sequence[ClientListener],
        pools: Mapping[str, UpstreamPool],
        want: Want,
        patience: float,
    ) -> None:
        self._relay = relay
        self._admission = admission
        self._listeners = listeners
        self._pools = pools
        self._want = want
        self._patience = patience
        self.is_draining = False

    def want(self, target: Target, state: str, node: str) -> Deferred[str]:
        """See :class:`~smppproxy.admin.verbs.Hands`."""
        if target.kind == ACCOUNT:
            return self._want(node, "", target.name, "", state)
        return self._want(node, target.name, target.host, target.bind, state)

    def reconnect(self, target: Target) -> int:
        """See :class:`~smppproxy.admin.verbs.Hands`."""
        pool = self._pools.get(target.name)
        return pool.reconnect(target.host, target.bind) if pool is not None else 0

    def kick(self, target: Target) -> int:
        """See :class:`~smppproxy.admin.verbs.Hands`."""
        pool = self._pools.get(target.name)
        return pool.kick(target.host, target.bind) if pool is not None else 0

    def drain_node(self) -> bool:
        """See :class:`~smppproxy.admin.verbs.Hands`."""
        if self.is_draining:
            return False
        self.is_draining = self._admission.draining = True
        for listener in self._listeners:
            listener.drain(self._patience)
        return True

    def resume_node(self) -> bool:
        """See :class:`~smppproxy.admin.verbs.Hands`.

        :raises ApiError: 409, a listener's port is taken meanwhile; the node goes on draining.
        """
        if not self.is_draining:
            return False
        opened: list[ClientListener] = []
        try:
            for listener in self._listeners:
                listener.start()
                opened.append(listener)
        except CannotListenError as error:
            for listener in opened:
                listener.stop()
            raise ApiError(409, "port_taken", f"it goes on draining: {error}") from None
        self.is_draining = self._admission.draining = False
        return True
