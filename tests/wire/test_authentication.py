"""Passwords: their strings, their cost, the queue before them, guessing."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from collections.abc import Callable
from ipaddress import ip_network
from statistics import median
from threading import get_ident

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.routing.accounts import Account
from smppproxy.wire import authentication
from smppproxy.wire.authentication import (
    THREADS,
    Authenticator,
    Guessing,
    Overloaded,
    address_of,
    may_come_from,
)
from smppproxy.wire.passwords import (
    PasswordFormError,
    decoy,
    hash_password,
    verify_password,
)
from smppproxy.wire.threads import Threads
from tests.support.peers import reactor
from tests.wire.door import CHEAP, NAME, PASSWORD, STORED, Door, account

CHEAP_SCRYPT = "$scrypt$ln=4,r=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$"


def scrypt_string() -> str:
    """The string of PASSWORD with scrypt, cheap."""
    digest = hashlib.scrypt(PASSWORD, salt=b"saltsaltsaltsalt", n=16, r=1, p=1, dklen=32)
    return CHEAP_SCRYPT + b64encode(digest).decode().rstrip("=")


class PasswordTests(SynchronousTestCase):
    """The strings of the network file (MG-13)."""

    def test_both_forms(self) -> None:
        """What is made opens, anything else does not, and no two strings are equal."""
        for form, start in (("argon2id", "$argon2id$"), ("scrypt", "$scrypt$ln=14,r=8,p=1$")):
            stored = hash_password(PASSWORD, form)
            self.assertTrue(stored.startswith(start))
            self.assertTrue(verify_password(stored, PASSWORD))
            self.assertFalse(verify_password(stored, PASSWORD + b"x"))
            self.assertNotEqual(stored, hash_password(PASSWORD, form))

    def test_foreign_strings(self) -> None:
        """argon2 with other parameters and scrypt with other lengths are read as they are."""
        strong = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1, hash_len=16)
        self.assertTrue(verify_password(strong.hash(PASSWORD), PASSWORD))
        self.assertTrue(verify_password(scrypt_string(), PASSWORD))
        self.assertFalse(verify_password(scrypt_string(), b""))

    def test_strings_that_open_nothing(self) -> None:
        """Plain text, other schemes, nonsense, and what would eat the machine are errors."""
        for stored in (
            "",
            "secret08",
            "$1$salt$hash",
            "$argon2id$nonsense",
            "$argon2id$v=19$m=8,t=1,p=1$\u00e9$x",
            "$scrypt$nonsense",
            "$scrypt$ln=4,r=1,p=1$!$AAAA",
            "$scrypt$ln=30,r=8,p=1$AAAA$AAAA",
            "$scrypt$ln=0,r=8,p=1$AAAA$AAAA",
            "$scrypt$ln=20,r=8,p=1$AAAA$AAAA",
            "$scrypt$ln=4,r=0,p=1$AAAA$AAAA",
        ):
            self.assertRaises(PasswordFormError, verify_password, stored, PASSWORD)

    def test_f43_decoys_cost_the_same_and_open_nothing(self) -> None:
        """A decoy has the model's parameters and lengths, with a salt and hash of its own."""
        for model in (STORED, scrypt_string()):
            made = decoy(model)
            self.assertEqual(made.rsplit("$", 2)[0], model.rsplit("$", 2)[0])
            self.assertEqual(len(made), len(model))
            self.assertNotEqual(made, model)
            self.assertFalse(verify_password(made, PASSWORD))
        self.assertTrue(decoy("").startswith("$argon2id$"))


class Later:
    """Work that is done when the test says so."""

    def __init__(self) -> None:
        self.works: list[tuple[Callable[[], bool], Deferred[bool]]] = []

    def run(self, work: Callable[[], bool]) -> Deferred[bool]:
        """As Threads.run."""
        done: Deferred[bool] = Deferred()
        self.works.append((work, done))
        return done

    def do(self) -> None:
        """Do all that is queued."""
        works, self.works = self.works, []
        for work, done in works:
            done.callback(work())


class AuthenticatorTests(SynchronousTestCase):
    """One check for many binds."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.later = Later()
        self.authenticator = Authenticator(self.clock, self.later.run, queue=2)
        self.account = account()

    def verify(self, secret: bytes, whose: Account | None = None) -> Deferred[bool]:
        """Check for the account."""
        return self.authenticator.verify(whose or self.account, NAME, secret, STORED)

    def test_f46_success_is_remembered(self) -> None:
        """For ten minutes the same password costs nothing; another one is checked."""
        first = self.verify(PASSWORD)
        self.later.do()
        self.assertTrue(self.successResultOf(first))
        self.assertTrue(self.successResultOf(self.verify(PASSWORD)))
        wrong = self.verify(b"wrong")
        self.later.do()
        self.assertFalse(self.successResultOf(wrong))
        self.assertTrue(self.successResultOf(self.verify(PASSWORD)))
        self.clock.advance(600)
        self.verify(PASSWORD)
        self.assertEqual(len(self.later.works), 1)

    def test_new_password_string_forgets_the_old_success(self) -> None:
        """A password changed by a reload: the old one is checked again, and refused."""
        first = self.verify(PASSWORD)
        self.later.do()
        self.assertTrue(self.successResultOf(first))
        changed = account()
        changed.password = CHEAP.hash(b"another")
        again = self.verify(PASSWORD, changed)
        self.later.do()
        self.assertFalse(self.successResultOf(again))

    def test_f46_a_storm_of_one_account_is_one_check(self) -> None:
        """A hundred equal binds at once: one check, a hundred answers."""
        answers = [self.verify(PASSWORD) for _ in range(100)]
        self.assertEqual(len(self.later.works), 1)
        self.later.do()
        self.assertTrue(all(self.successResultOf(answer) for answer in answers))

    def test_f46_the_queue_is_bounded(self) -> None:
        """Beyond the queue: Overloaded at once; after the work there is room again."""
        self.verify(b"one")
        self.verify(b"two")
        self.failureResultOf(self.verify(b"three"), Overloaded)
        self.later.do()
        self.verify(b"three")
        self.assertEqual(len(self.later.works), 1)

    def test_f43_an_unknown_account_costs_the_same_work(self) -> None:
        """The work is done all the same, on one decoy per model, and says no."""
        answers = []
        for _ in range(2):
            answers.append(self.authenticator.verify(None, b"nobody", PASSWORD, STORED))
            self.later.do()
        self.assertEqual([self.successResultOf(answer) for answer in answers], [False, False])
        self.assertEqual(len(self.authenticator._decoys), 1)

    def test_a_string_that_cannot_be_checked(self) -> None:
        """Nobody gets in, and the operator is told which account it is."""
        broken = account()
        broken.password = "plain text"
        answer = self.verify(PASSWORD, broken)
        work, done = self.later.works.pop()
        maybeDeferred(work).chainDeferred(done)
        self.assertFalse(self.successResultOf(answer))

        def crash(work: Callable[[], bool]) -> Deferred[bool]:
            return fail(MemoryError())

        crashing = Authenticator(self.clock, crash)
        answer = crashing.verify(self.account, NAME, PASSWORD, STORED)
        self.assertFalse(self.successResultOf(answer))


class GuessingTests(SynchronousTestCase):
    """XC-15 and F44: who keeps failing waits; nobody is locked out for good."""

    def test_xc15_ten_failures_a_minute(self) -> None:
        """The tenth failure slows the address for a minute after its last one."""
        guessing = Guessing()
        names = [b"%d" % number for number in range(20)]
        for number in range(10):
            self.assertEqual(guessing.delay("192.0.2.1", names[number], float(number)), 0.0)
            guessing.failed("192.0.2.1", names[number], float(number))
        self.assertEqual(guessing.delay("192.0.2.1", NAME, 10.0), 5.0)
        self.assertEqual(guessing.delay("192.0.2.2", NAME, 10.0), 0.0)
        guessing.failed("192.0.2.1", names[10], 50.0)
        self.assertEqual(guessing.delay("192.0.2.1", NAME, 105.0), 5.0)
        self.assertEqual(guessing.delay("192.0.2.1", NAME, 111.0), 0.0)
        guessing.failed("192.0.2.1", names[11], 111.0)
        self.assertEqual(guessing.delay("192.0.2.1", NAME, 112.0), 0.0)

    def test_f44_one_account_from_one_address(self) -> None:
        """More than twenty failures for one system_id: its binds wait longer, over minutes, from
        there only; the right password, or ten quiet minutes, end it."""
        guessing = Guessing()
        for number in range(31):
            guessing.failed("192.0.2.1", NAME, number * 100.0)
            if number == 19:
                self.assertEqual(guessing.delay("192.0.2.1", NAME, 2_000.0), 0.0)
            if number == 20:
                self.assertEqual(guessing.delay("192.0.2.1", NAME, 2_000.0), 10.0)
        self.assertEqual(guessing.delay("192.0.2.1", NAME, 3_000.0), 20.0)
        self.assertEqual(guessing.delay("192.0.2.1", b"other", 3_000.0), 0.0)
        self.assertEqual(guessing.delay("192.0.2.2", NAME, 3_000.0), 0.0)
        self.assertEqual(guessing.delay("192.0.2.1", NAME, 3_601.0), 0.0)
        guessing.succeeded("192.0.2.1", NAME)
        self.assertEqual(guessing.delay("192.0.2.1", NAME, 3_000.0), 0.0)

    def test_f44_so_many_wait_at_once(self) -> None:
        """Ten binds of an address may wait; one that is answered makes room."""
        guessing = Guessing()
        waiting = [guessing.wait("192.0.2.1") for _ in range(11)]
        self.assertEqual(waiting, [True] * 10 + [False])
        self.assertTrue(guessing.wait("192.0.2.2"))
        guessing.waited("192.0.2.1")
        self.assertTrue(guessing.wait("192.0.2.1"))
        for _ in range(10):
            guessing.waited("192.0.2.1")
        guessing.waited("192.0.2.2")
        self.assertEqual(guessing._waiting, {})

    def test_a_host_of_many_addresses(self) -> None:
        """All addresses of an IPv6 /64 are one guesser."""
        guessing = Guessing()
        for number in range(10):
            guessing.failed(f"2001:db8::{number}", NAME, 0.0)
        self.assertEqual(guessing.delay("2001:db8::ffff", NAME, 1.0), 5.0)
        self.assertEqual(guessing.delay("2001:db8:0:1::1", NAME, 1.0), 0.0)

    def test_memory_is_bounded(self) -> None:
        """Only so many addresses are kept; what is not an address is kept as it is."""
        self.patch(authentication, "KEPT", 4)
        guessing = Guessing()
        for name in ("192.0.2.1", "192.0.2.2", "socket"):
            guessing.failed(name, b"x" * 1000, 0.0)
        kept = [address for address, _ in guessing._failures]
        self.assertEqual(kept, ["192.0.2.2", "192.0.2.2", "socket", "socket"])
        self.assertLess(max(len(name) for _, name in guessing._failures), 100)

    def test_mg17_addresses(self) -> None:
        """Networks in CIDR form; IPv4 over IPv6 is IPv4; a Unix socket is in no network."""
        inside = account(allow_from=(ip_network("192.0.2.0/28"), ip_network("fe80::/10")))
        for peer, may in (
            ("192.0.2.15", True),
            ("192.0.2.16", False),
            ("::ffff:192.0.2.1", True),
            ("fe80::1%eth0", True),
            ("2001:db8::1", False),
            ("/run/smppproxy.sock", False),
        ):
            self.assertEqual(may_come_from(inside, peer), may, peer)
        self.assertTrue(may_come_from(account(), "/run/smppproxy.sock"))
        self.assertIsNone(address_of(""))


class ThreadTests(TestCase):
    """The real threads, and the doors on top."""

    def start(self) -> Threads:
        """Threads that end with the test."""
        threads = Threads(reactor, THREADS, "passwords")
        threads.start()
        threads.start()
        self.addCleanup(threads.stop)
        return threads

    async def test_work_is_done_elsewhere(self) -> None:
        """The check runs in another thread, its answer comes back on the reactor's."""
        threads = self.start()
        here = get_ident()
        there: list[int] = []

        def work() -> bool:
            there.append(get_ident())
            return verify_password(STORED, PASSWORD)

        self.assertTrue(await threads.run(work))
        self.assertNotEqual(there, [here])
        self.assertEqual(get_ident(), here)
        threads.stop()

    async def test_f43_unknown_and_wrong_take_the_same_time(self) -> None:
        """Over many tries the medians differ by less than a quarter of one check; in time of the
        processor, of which other processes take nothing."""
        threads = self.start()
        authenticator = Authenticator(reactor, threads.run)
        real = account()
        real.password = PasswordHasher(time_cost=2, memory_cost=2048, parallelism=1).hash(PASSWORD)
        spent: dict[bool, list[float]] = {True: [], False: []}
        for number in range(200):
            for known in (True, False):
                began = time.process_time()
                whose = real if known else None
                secret = b"wrong%d" % number
                right = await authenticator.verify(whose, NAME, secret, real.password)
                spent[known].append(time.process_time() - began)
                self.assertFalse(right)
        wrong, unknown = median(spent[True]), median(spent[False])
        self.assertLess(abs(wrong - unknown), 0.25 * max(wrong, unknown))

    async def test_f43_same_answer(self) -> None:
        """Unknown system_id and wrong password: the same octets."""
        door = Door(self)
        answers = []
        for name in (NAME, b"nobody"):
            client = await door.client()
            answers.append((await client.bind(name, b"wrong")).raw)
            await client.closed()
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0][4:12].hex(), "800000090000000e")

    async def test_f43_no_account_at_all(self) -> None:
        """A node without accounts has nobody to answer for: 0x08, whatever the name."""
        door = Door(self)
        door.accounts = {}
        for name in (NAME, b"nobody"):
            client = await door.client()
            self.assertEqual((await client.bind(name, PASSWORD)).command_status, 0x08)

    async def test_two_passwords_while_a_client_changes_over(self) -> None:
        """Both bind; others are checked as often as that account, and nobody else has two."""
        door = Door(self)
        plain = account()
        plain.system_id = "other"
        both = account()
        both.second_password = CHEAP.hash(b"n3w-secret")
        door.accounts = {NAME.decode(): both, "other": plain}
        checked: list[str] = []
        self.patch(authentication, "verify_password", _noting(checked))
        for name, secret, status in (
            (NAME, PASSWORD, 0),
            (NAME, b"n3w-secret", 0),
            (NAME, b"wrong", 0x0E),
            (b"other", PASSWORD, 0),
            (b"other", b"n3w-secret", 0x0E),
            (b"nobody", b"n3w-secret", 0x0E),
        ):
            client = await door.client()
            self.assertEqual((await client.bind(name, secret)).command_status, status)
        self.assertEqual(len(checked), 12)

    async def test_f44_xc15_guesser_waits(self) -> None:
        """After ten failures the address is answered late, rightly or wrongly; another is not."""
        self.patch(authentication, "DELAY", 1.0)
        door = Door(self)
        for _ in range(10):
            client = await door.client()
            self.assertEqual((await client.bind(NAME, b"guess")).command_status, 0x0E)
        began = reactor.seconds()
        slow = await door.client()
        fast = await door.client(address="127.0.0.2")
        slow.send_bind(NAME, PASSWORD)
        self.assertEqual((await fast.bind(NAME, PASSWORD)).command_status, 0)
        self.assertEqual(slow.pdus, [])
        self.assertEqual((await slow.expect()).command_status, 0)
        self.assertGreaterEqual(reactor.seconds() - began, 1.0)
        self.assertEqual(door.event("bind_delayed"), 1)

    async def test_f44_many_connections_are_no_way_around(self) -> None:
        """Ten binds of a guesser wait; more get 0x08 without a look at their password, until one
        of them has gone."""
        self.patch(authentication, "DELAY", 30.0)
        door = Door(self)
        for number in range(10):
            door.admission.guessing.failed("127.0.0.1", b"%d" % number, reactor.seconds())
        waiting = [await door.client() for _ in range(10)]
        for client in waiting:
            client.send_bind(NAME, PASSWORD)
        while door.event("bind_delayed") < 10:
            await _turn()
        more = await door.client()
        self.assertEqual((await more.bind(NAME, PASSWORD)).command_status, 0x08)
        waiting[0].reset()
        while door.admission.guessing._waiting["127.0.0.1"] == 10:
            await _turn()
        late = await door.client()
        late.send_bind(NAME, PASSWORD)
        while door.event("bind_delayed") < 11:
            await _turn()
        self.assertEqual(late.pdus, [])

    async def test_f46_overloaded_is_temporary(self) -> None:
        """A full queue: 0x08, and the next bind is looked at again."""
        door = Door(self)
        later = Later()
        door.admission.authenticator = Authenticator(reactor, later.run, queue=1)
        first, second = await door.client(), await door.client()
        first.send_bind(NAME, b"wrong")
        while not later.works:
            await _turn()
        self.assertEqual((await second.bind(NAME, PASSWORD)).command_status, 0x08)
        later.do()
        self.assertEqual((await first.expect()).command_status, 0x0E)

    async def test_client_gone_before_the_verdict(self) -> None:
        """A verdict for somebody who has left is nobody's; nothing is bound, nothing breaks."""
        door = Door(self)
        later = Later()
        door.admission.authenticator = Authenticator(reactor, later.run)
        for secret in (PASSWORD, b"wrong"):
            client = await door.client()
            client.send_bind(NAME, secret)
            while not later.works:
                await _turn()
            (session,) = door.sessions
            session.abort("gone")
            await client.closed()
            later.do()
        self.assertEqual(door.relay.calls, [])

    async def test_f96_error_in_the_verdict(self) -> None:
        """A check that breaks in an unforeseen way ends the session, logged once."""
        door = Door(self)
        door.relay.may = _broken
        client = await door.client()
        client.send_bind(NAME, PASSWORD)
        await client.closed()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(client.octets, b"")


def _broken(account: Account) -> bool:
    raise ZeroDivisionError


async def _turn() -> None:
    await deferLater(reactor, 0)


def _noting(checked: list[str]) -> Callable[[str, bytes], bool]:
    """The check of a password, that notes what it looked at."""

    def verify(stored: str, secret: bytes) -> bool:
        checked.append(stored)
        return verify_password(stored, secret)

    return verify
