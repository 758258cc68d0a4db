"""Which version of the network a node runs, and how it comes by it.

A node hears of a new version at once and asks the store once a second all the same. It reads it in
a thread and takes it as a whole in one turn of the reactor; a version that it cannot take changes
nothing, is told in the log and to the other nodes, and is tried again now and then, as a secret may
have been missing. A node with a network file of its own makes that the version that all nodes have.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from smppproxy.config import ConfigError, Network, load_network
from smppproxy.config.bundle import Bundle, BundleError, unpack
from smppproxy.config.network import unbundle
from smppproxy.store.cluster import BEAT, Version
from smppproxy.store.interface import Store, StoreUnavailable, until_it_is_back
from smppproxy.wire.tls import ClientTls, TlsError

TOPIC = b"version"
"""On the bus: somebody made a version."""

LOOK = 1.0
"""Seconds between two looks at the store's number."""

AGAIN = 10.0
"""Seconds until a version that could not be taken is tried again."""

log = Logger()

Run = Callable[[Callable[[], Any]], Deferred[Any]]


@attrs.define
class Standing:
    """What a node says of its network.

    :ivar version: number of the version in force, 0 for none (a file that the store has not yet).
    :ivar sha256: of what is in force; "" = there is no network yet.
    :ivar refused: number of the newest version that could not be taken, 0 = it could.
    :ivar reason: why.
    :ivar newest: number of the newest version that the store told of; 0 = none, or not asked yet.
    """

    version: int = 0
    sha256: str = ""
    refused: int = 0
    reason: str = ""
    newest: int = 0


class Follower:
    """Keeps one node at the store's current version.

    :param run: does work in a thread.
    :param folder: where relative paths of secrets and CAs begin.
    :param check: raises what keeps this node from using a network that is well written.
    :param take: makes a network the one in force.
    :param facts: what this node says of itself besides its standing, at each beat.
    :ivar standing: what is in force, and what could not be.
    """

    def __init__(
        self,
        store: Store,
        clock: Any,
        run: Run,
        folder: str,
        check: Callable[[Network], object],
        take: Callable[[Network], object],
        facts: Callable[[], dict[str, Any]],
    ) -> None:
        self.standing = Standing()
        self._store = store
        self._clock = clock
        self._run = run
        self._folder = folder
        self._check = check
        self._take = take
        self._facts = facts
        self._own: tuple[Bundle, str, str] | None = None
        self._seen = 0
        self._try_again = 0.0
        self._looking = False
        self._once_more = False
        self._beaten = -BEAT
        self._has_namesake = False
        self._loop = LoopingCall(self._second)
        self._loop.clock = clock
        store.bus.hear(TOPIC, lambda node, payload: self.look())

    # -- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Look once a second from now on, and be known."""
        self._loop.start(LOOK, now=False)
        self.beat()

    def stop(self) -> Deferred[Any]:
        """Look no more; the others are told that this node is not there any more."""
        if self._loop.running:
            self._loop.stop()
        if not self._store.ready:
            return succeed(None)
        return self._store.leave().addErrback(until_it_is_back)

    def _second(self) -> None:
        self.look()
        if self._clock.seconds() - self._beaten >= BEAT:
            self.beat()

    def beat(self) -> None:
        """Tell who is there, with what is in force."""
        if self._store.ready:
            self._beaten = self._clock.seconds()
            facts = self._facts() | attrs.asdict(self.standing)
            self._store.beat(facts).addCallbacks(self._told, until_it_is_back)

    def _told(self, has_namesake: bool) -> None:
        if has_namesake and not self._has_namesake:
            log.error(
                "another process has this node's name and uses the same store: give each node a"
                " name of its own",
                event="node_name_taken",
            )
        self._has_namesake = has_namesake

    # -- this node's own file -------------------------------------------------------------------

    def use_own(self, bundle: Bundle, by: str, why: str) -> None:
        """A network file of this node's own is in force: it becomes the version of all nodes.

        Nothing happens if the current version says the same. Without the store it waits for it.
        """
        self._own = (bundle, by, why)
        self.standing = Standing(0, bundle.sha256, newest=self.standing.newest)
        self.look()

    @inlineCallbacks
    def _offer(self, bundle: Bundle, by: str, why: str) -> Generator[Deferred[Any], Any, None]:
        versions = self._store.versions
        number = yield versions.number()
        found = (yield versions.get(number)) if number else None
        if found is None or found[0].sha256 != bundle.sha256:
            blob = yield self._run(bundle.pack)
            was, (took, number) = number, (yield versions.add(blob, by, why, bundle.sha256, number))
            if not took:
                self._once_more = True
                return
            _tell_own(number, why, found[0] if found and was else None)
            self._store.bus.announce(TOPIC, b"")
        if self._own is not None and self._own[0] is bundle:
            self._own = None
            self._stand(number, bundle.sha256)

    # -- the versions of the store --------------------------------------------------------------

    def look(self, afresh: bool = False) -> None:
        """Is there another version?

        :param afresh: the current one is read again, as its secrets may be others.
        """
        if afresh:
            self._try_again = 0.0
            self._seen = -1
        if self._looking:
            self._once_more = True
        elif self._store.ready:
            self._looking = True
            looked = self._offer(*self._own) if self._own is not None else self._follow()
            looked.addErrback(self._not_looked).addCallback(self._looked)

    def _looked(self, _: object) -> None:
        self._looking = False
        if self._once_more:
            self._once_more = False
            self._clock.callLater(0, self._look_if_running)

    def _look_if_running(self) -> None:
        if self._loop.running:
            self.look()

    def _not_looked(self, failure: Failure) -> None:
        if failure.check(StoreUnavailable):
            return
        self._own = None
        if failure.check(BundleError):
            log.error(
                "this node's network file is not for others: {reason}",
                event="network_not_shared",
                reason=failure.getErrorMessage(),
            )
        else:
            log.failure("the network cannot be followed", failure, event="network_not_followed")

    @inlineCallbacks
    def _follow(self) -> Generator[Deferred[Any], Any, None]:
        versions = self._store.versions
        number = yield versions.number()
        self.standing.newest = number
        if number == 0:
            self._nothing_there()
            return
        if number == self._seen:
            return
        if number == self.standing.refused and self._clock.seconds() < self._try_again:
            return
        found = yield versions.get(number)
        if found is None:
            return
        version, blob = found
        reading = self._run(partial(self._read, blob)).addErrback(self._refused, version)
        network = yield reading
        if network is not None and self._own is None:
            yield maybeDeferred(self._taken, network, version).addErrback(self._refused, version)

    def _nothing_there(self) -> None:
        if self._seen > 0:
            self._seen = 0
            log.error(
                "the store has lost its versions of the network; this node goes on with the one it"
                " holds",
                event="network_lost",
            )

    def _read(self, blob: bytes) -> Network:
        """In the thread: what the blob says, and whether this node can use it."""
        network = unbundle(unpack(blob), self._folder)
        self._check(network)
        return network

    def _taken(self, network: Network, version: Version) -> None:
        self._take(network)
        log.info(
            "version {version} of the network is in force ({by}: {why})",
            event="network_taken",
            version=version.number,
            by=version.by,
            why=version.why,
        )
        self._stand(version.number, network.bundle.sha256)

    def _stand(self, number: int, sha256: str) -> None:
        self._seen = number
        self.standing = Standing(number, sha256, newest=max(number, self.standing.newest))
        self.beat()

    def _refused(self, failure: Failure, version: Version) -> None:
        reason = failure.getErrorMessage()
        self._try_again = self._clock.seconds() + AGAIN
        known = (self.standing.refused, self.standing.reason)
        if not failure.check(ConfigError, BundleError, TlsError, OSError):
            reason = f"a fault of ours: {type(failure.value).__name__}: {reason}"
        if (version.number, reason) == known:
            return
        self.standing.refused, self.standing.reason = version.number, reason
        log.error(
            "version {version} of the network is not taken, {old} stays: {reason}",
            event="network_refused",
            version=version.number,
            old=f"version {self.standing.version}" if self.standing.sha256 else "none",
            reason=reason,
        )
        if reason.startswith("a fault"):
            log.failure("why it is not taken", failure, event="network_fault")
        self.beat()


def _tell_own(number: int, why: str, was: Version | None) -> None:
    log.info(
        "version {version} of the network: {why}", event="network_applied", version=number, why=why
    )
    if was is not None:
        log.warn(
            "it takes the place of version {was}, by {by} ({why}); smppproxy rollback {was}"
            " returns to that",
            event="network_replaced",
            was=was.number,
            by=was.by,
            why=was.why,
        )


def check_files(network: Network) -> None:
    """Whether what this machine must have for a network can be used.

    :raises TlsError: a provider's file of CAs cannot.
    """
    for provider in network.providers.values():
        for host in provider.hosts:
            if provider.door(host)[1]:
                ClientTls(provider.tls_name or host.address, provider.tls_ca, provider.tls_min)


def read_checked(path: str) -> Network:
    """A network file that this machine can use.

    :raises ConfigError: with every problem of the file.
    :raises TlsError: see :func:`check_files`.
    """
    network = load_network(path)
    check_files(network)
    return network
