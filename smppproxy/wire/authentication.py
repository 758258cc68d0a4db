"""Who may bind: passwords checked off the reactor's thread, success remembered, guessing slowed.

The same time and the same answer for an unknown system_id and a wrong password (F43); a bind
storm of one account costs one check (F46); an address that keeps failing waits (F44, XC-15).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from smppproxy.routing.accounts import Account
from smppproxy.wire.passwords import PasswordFormError, decoy, verify_password

REMEMBER = 600.0
"""Seconds a checked password is remembered."""

THREADS = 2
"""Threads that check passwords."""

QUEUE = 64
"""Different passwords that may be in the queue; about two seconds of work for these threads."""

KEPT = 10_000
"""Failures by address, with and without a system_id, that are kept at most; who was quiet for
longest is forgotten."""

FREE_FAILURES = 10
FAILURE_SPAN = 60.0
DELAY = 5.0
"""XC-15: after ten failed binds in a minute an address's binds are answered five seconds late."""

GUESS_SPAN = 600.0
LONGEST_DELAY = 20.0
"""F44: after more than twenty failures without ten quiet minutes between them, for one system_id,
ten seconds; after more than thirty this, which is short enough for a bind to be answered in time
all the same. Twenty wrong binds wait no longer than XC-15 says."""

WAITING = 10
"""Binds of one address that may wait at once: many connections are no way around the delay."""

log = Logger()

Run = Callable[[Callable[[], bool]], Deferred[bool]]


class Overloaded(Exception):
    """Too many passwords wait to be checked: a temporary trouble (0x08), not a wrong password."""


class Authenticator:
    """Checks passwords for all listeners of a node.

    :param clock: for the life of remembered successes.
    :param run: does the work elsewhere, e.g. :meth:`smppproxy.wire.threads.Threads.run`.
    :param queue: different passwords that may wait; beyond it :class:`Overloaded`.
    """

    def __init__(self, clock: IReactorTime, run: Run, queue: int = QUEUE) -> None:
        self._clock = clock
        self._run = run
        self._queue = queue
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[bytes, float]] = {}
        self._waiting: dict[bytes, list[Deferred[bool]]] = {}
        self._decoys: dict[str, str] = {}

    def verify(
        self,
        account: Account | None,
        system_id: bytes,
        secret: bytes,
        model: str,
        twice: bool = False,
    ) -> Deferred[bool]:
        """Whether ``secret`` is a password of the account; fails with :class:`Overloaded`.

        :param account: None when there is no account of this system_id: the same work is done
            for nothing, so that the time says nothing (F43).
        :param model: any account's password string, whose cost an unknown system_id imitates.
        :param twice: some account has two passwords: as much work is done for all others.
        """
        stored = self._strings(account, model, twice)
        digest = self._digest(system_id, stored, secret)
        if self._is_known(system_id, digest):
            return succeed(True)
        waiting = self._waiting.get(digest)
        answer: Deferred[bool] = Deferred()
        if waiting is not None:
            waiting.append(answer)
            return answer
        if len(self._waiting) >= self._queue:
            return fail(Overloaded())
        self._waiting[digest] = [answer]
        done = self._run(lambda: any([verify_password(each, secret) for each in stored]))
        done.addErrback(self._unreadable, system_id)
        done.addCallback(self._checked, system_id, digest)
        return answer

    def _checked(self, right: bool, system_id: bytes, digest: bytes) -> None:
        if right:
            self._known[system_id] = (digest, self._clock.seconds() + REMEMBER)
        for answer in self._waiting.pop(digest):
            answer.callback(right)

    def _unreadable(self, failure: Failure, system_id: bytes) -> bool:
        """A string nobody can check opens nothing; the operator is told, not the client."""
        why = failure.value if failure.check(PasswordFormError) else type(failure.value).__name__
        log.error(
            "the password of account {account} cannot be checked: {why}",
            event="password_unreadable",
            account=system_id.decode("utf-8", "replace"),
            why=str(why),
        )
        return False

    def _is_known(self, system_id: bytes, digest: bytes) -> bool:
        known, until = self._known.get(system_id, (b"", 0.0))
        return hmac.compare_digest(known, digest) and self._clock.seconds() < until

    def _strings(self, account: Account | None, model: str, twice: bool) -> list[str]:
        """The strings that a secret is checked against: as many for everybody."""
        if account is None:
            return [self._decoy(model)] * (1 + twice)
        if not twice:
            return [account.password]
        return [account.password, account.second_password or self._decoy(model)]

    def _digest(self, system_id: bytes, stored: list[str], secret: bytes) -> bytes:
        """What is remembered instead of the password; a new password string makes a new one."""
        parts = (system_id, "\n".join(stored).encode(), secret)
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, framed, hashlib.sha256)

    def _decoy(self, model: str) -> str:
        made = self._decoys.get(model)
        if made is None:
            self._decoys.clear()
            made = self._decoys[model] = decoy(model)
        return made


@attrs.define
class _Failures:
    count: int
    since: float


class Guessing:
    """Failed binds by address, and by address and system_id: how long the next answer waits.

    Ten in a minute slow an address (XC-15); one that goes on with the same system_id waits longer
    and longer (F44). A right password ends the latter. Nobody is refused for good,
    and no account is slowed for others than who guesses.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, bytes], _Failures] = OrderedDict()
        self._waiting: Counter[str] = Counter()

    def delay(self, address: str, system_id: bytes, now: float) -> float:
        """Seconds the bind that just came from ``address`` as ``system_id`` has to wait."""
        block = block_of(address)
        if self._still((block, b""), FAILURE_SPAN, now) < FREE_FAILURES:
            delay = 0.0
        else:
            delay = DELAY
        guesses = self._still((block, _name(system_id)), GUESS_SPAN, now)
        doublings = (guesses - 1) // FREE_FAILURES - 1
        if doublings > 0:
            delay = min(DELAY * 2.0 ** min(doublings, 9), LONGEST_DELAY)
        return delay

    def _still(self, key: tuple[str, bytes], span: float, now: float) -> int:
        """Failures that count yet."""
        failures = self._failures.get(key)
        return 0 if failures is None or now - failures.since > span else failures.count

    def wait(self, address: str) -> bool:
        """A bind from there begins to wait; false when as many wait already as may at once."""
        block = block_of(address)
        if self._waiting[block] >= WAITING:
            return False
        self._waiting[block] += 1
        return True

    def waited(self, address: str) -> None:
        """A bind from there waits no more."""
        block = block_of(address)
        self._waiting[block] -= 1
        if not self._waiting[block]:
            del self._waiting[block]

    def failed(self, address: str, system_id: bytes, now: float) -> None:
        """A bind from ``address`` was refused for its system_id or password."""
        block = block_of(address)
        count = self._count((block, b""), FAILURE_SPAN, now)
        if count.count >= FREE_FAILURES:
            count.since = now  # who goes on guessing goes on waiting
        self._count((block, _name(system_id)), GUESS_SPAN, now).since = now
        while len(self._failures) > KEPT:
            self._failures.popitem(last=False)

    def _count(self, key: tuple[str, bytes], span: float, now: float) -> _Failures:
        failures = self._failures.pop(key, None)
        if failures is None or now - failures.since > span:
            failures = _Failures(0, now)
        failures.count += 1
        self._failures[key] = failures
        return failures

    def succeeded(self, address: str, system_id: bytes) -> None:
        """Who knows the password was no guesser of it."""
        self._failures.pop((block_of(address), _name(system_id)), None)


def _name(system_id: bytes) -> bytes:
    """A system_id as a key that is short and never b"", which stands for all of them."""
    return b"=" + system_id[:64]


def address_of(peer: str) -> IPv4Address | IPv6Address | None:
    """The peer's address; an IPv4 one that came over IPv6 as IPv4; None for a Unix socket."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def block_of(peer: str) -> str:
    """Who is meant by an address: for IPv6 the /64, in which one host has every address."""
    address = address_of(peer)
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address or peer)


def may_come_from(account: Account, peer: str) -> bool:
    """MG-17: whether the account may bind from this address; an empty list means any."""
    if not account.allow_from:
        return True
    address = address_of(peer)
    return address is not None and any(address in network for network in account.allow_from)
