"""One node and its network: the file that it may have, the versions that it follows and makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from smppproxy.admin.following import (
    Follower,
    Standing,
    check_files,
    read_checked,
)
from smppproxy.admin.network import Desk
from smppproxy.config import ConfigError, Network, Node
from smppproxy.relay.recent import Recent
from smppproxy.store.interface import Store
from smppproxy.wire.threads import Threads
from smppproxy.wire.tls import TlsError

log = Logger()


class OwnNetwork:
    """What network a node has, and how it comes by another one.

    :param network: gives the one in force.
    :param take: makes another one the one in force.
    :param facts: what this node says of itself to the others.
    :param wall: unix seconds.
    :ivar desk: makes and compares versions, for the operator.
    """

    def __init__(
        self,
        node: Node,
        store: Store,
        reactor: Any,
        network: Callable[[], Network],
        take: Callable[[Network], object],
        recent: Recent,
        facts: Callable[[], dict[str, Any]],
        wall: Callable[[], float],
    ) -> None:
        self._node = node
        self._network = network
        self._take = take
        self._reading = Threads(reactor, 1, "network")

        def told() -> dict[str, Any]:
            return facts() | {"network_file": node.network_file}

        self._follower = Follower(
            store, reactor, self._reading.run, node.folder, check_files, take, told
        )
        self.desk = Desk(
            store, self._reading.run, node.folder, network, self.standing, recent, wall
        )
        self.desk.listen()

    def standing(self) -> Standing:
        """Which version is in force, and what could not be."""
        return self._follower.standing

    @property
    def is_there(self) -> bool:
        """Whether there is a network at all."""
        return self._follower.standing.sha256 != ""

    def start(self) -> None:
        """The node begins, with its own file in force if it has one."""
        self._reading.start()
        if self._node.network_file:
            self._share("at its start")

    def follow(self) -> None:
        """The store is there: keep to its current version from now on."""
        self._follower.start()
        self._follower.look()

    def stop(self) -> Deferred[Any]:
        """Follow no more, and tell the other nodes."""
        self._reading.stop()
        return self._follower.stop()

    def reload(self) -> Deferred[None]:
        """Read the node's own file again, or the secrets of the version that it follows.

        A file that cannot be used changes nothing (F97). Fires when it is read.
        """
        if not self._node.network_file:
            self._follower.look(afresh=True)
            return succeed(None)
        reading = self._reading.run(lambda: read_checked(self._node.network_file))
        return reading.addCallbacks(self._reloaded, self._not_reloaded)

    def _reloaded(self, network: Network) -> None:
        self._take(network)
        log.info("network file taken", event="reloaded")
        self._share("on SIGHUP")

    def _not_reloaded(self, failure: Failure) -> None:
        failure.trap(ConfigError, TlsError, OSError)
        log.error(
            "the network file is not taken: {error}", event="reload_refused", error=failure.value
        )

    def _share(self, when: str) -> None:
        """This node's own network file becomes the network of all nodes."""
        node = self._node
        self._follower.use_own(
            self._network().bundle, f"node {node.name}", f"its {node.network_file} {when}"
        )
