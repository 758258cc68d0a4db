"""The store when something breaks: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from typing import Any

from hiredis import pack_command
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.logger import capturedLogs

from smppproxy.store import open_store
from smppproxy.store.interface import MERGED, PARKED, QUEUED, Entry, Limit, StoreUnavailable
from smppproxy.store.link import ServerError
from tests.support.logs import logged
from tests.support.redis_server import RedisServer

from .contract import FINAL_TTL, TTL, arrival, later, mapping
from .relay import Relay
from .test_redis import ServerTestCase


class FaultTestCase(ServerTestCase):
    """Helpers for tests that break things."""

    timeout = 240

    def own_server(self, *options: str) -> RedisServer:
        """A server that this test may break."""
        server = RedisServer(*options).start()
        self.addCleanup(server.close)
        return server

    def open_at(self, server: RedisServer, more: str = "?deadline=10") -> Any:
        """A store on it, stopped after the test."""
        store = open_store(server.url + more, "node", reactor)
        self.addCleanup(store.stop)
        return store

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; the test's own time limit ends it."""
        while not condition():
            await later(reactor, 0.01)

    async def fails(self, call: Any) -> StoreUnavailable:
        """The error a call fails with."""
        try:
            result = await call
        except StoreUnavailable as error:
            return error
        raise self.failureException(f"it answered {result!r}")


class LostAnswerCase(FaultTestCase):
    """A store behind a relay that may swallow answers."""

    def setUp(self):
        return Deferred.fromCoroutine(self.prepare())

    async def prepare(self):
        await super().setUp()
        self.relay = Relay(reactor, self.server.path)
        await self.relay.start()
        self.addCleanup(self.relay.stop)
        self.store = open_store(f"redis+unix://{self.relay.path}?deadline=0.5", "node", reactor)
        self.addCleanup(self.store.stop)
        await self.store.start()


class LostAnswerTests(LostAnswerCase):
    """The answer of a call is lost: the next try gets the first one's result."""

    async def test_match_does_not_queue_twice(self):
        """The retry says QUEUED, not DUPLICATE, and one entry is there."""
        await self.store.record(b"north", [mapping(b"1")], TTL, {})
        self.relay.swallow = 2
        answers = await self.store.match(b"north", [arrival(b"1"), arrival(b"9")], FINAL_TTL, {})
        self.assertEqual(answers, [(QUEUED, b"r:alpha"), (1, b"")])
        self.assertEqual(await self.store.sizes([b"r:alpha"]), [(1, 0)])

    async def test_match_puts_the_same_into_our_hands_again(self):
        """What the first try put there is not left in hands that never saw it."""
        await self.store.record(b"north", [mapping(b"1"), mapping(b"2")], TTL, {})
        self.relay.swallow = 1
        found = await self.store.match(
            b"north", [arrival(b"1"), arrival(b"2")], FINAL_TTL, {}, room=lambda *_: True
        )
        self.assertEqual(found, [(QUEUED, b"r:alpha")] * 2)
        names = [(each.queue, each.entry_id) for each in found.entries]
        self.assertEqual(await self.store.ack(names), 2)
        self.assertEqual(await self.store.sizes([b"r:alpha"]), [(0, 0)])

    async def test_what_others_adopted_is_not_in_our_hands(self):
        """Until the next try they had time: it says that all is queued, and gives none of it."""
        await self.store.record(b"north", [mapping(b"1"), mapping(b"2")], TTL, {})
        self.relay.swallow = 1
        self.relay.refuse_then = 1_000_000
        matching = self.store.match(
            b"north", [arrival(b"1"), arrival(b"2")], FINAL_TTL, {}, room=lambda *_: True
        )
        other = self.open("other")
        await other.start()
        taken: list[Entry] = []
        while not taken:
            await later(reactor, 0.01)
            taken = await other.adopt([b"r:alpha"], 1, 1)
        self.relay.refuse = 0
        found = await matching
        self.assertEqual(found, [(QUEUED, b"r:alpha")] * 2)
        self.assertEqual(found.entries, [])

    async def test_record_tells_again_what_it_released(self):
        """The queues that grew are not forgotten with the answer."""
        await self.store.match(b"north", [arrival(b"1")], FINAL_TTL, {})
        self.relay.swallow = 1
        released = await self.store.record(b"north", [mapping(b"1")], TTL, {})
        self.assertEqual(released, [(QUEUED, b"r:alpha")])
        self.assertEqual(await self.store.sizes([b"r:alpha"]), [(1, 0)])

    async def test_put_and_numbers_happen_once(self):
        """An MO message is queued once, and no block of numbers is skipped."""
        self.relay.swallow = 1
        await self.store.put(b"m:alpha", [b"1"], Limit(5, 50))
        self.relay.swallow = 1
        self.assertEqual(await self.store.take_numbers(b"n", 5, patience=5.0), 1)
        self.assertEqual(await self.store.take_numbers(b"n", 5), 6)
        self.assertEqual(await self.store.sizes([b"m:alpha"]), [(1, 0)])

    async def test_a_part_is_counted_once(self):
        """A receipt of a group whose answer is lost is not another part."""
        await self.store.record(b"north", [mapping(b"1", parts=2, part=0)], TTL, {})
        self.relay.swallow = 1
        answers = await self.store.match(b"north", [arrival(b"1")], FINAL_TTL, {})
        self.assertEqual(answers, [(MERGED, b"")])
        self.relay.swallow = 1
        answers = await self.store.match(b"north", [arrival(b"1")], FINAL_TTL, {})
        self.assertEqual(answers, [(QUEUED, b"r:alpha")])
        self.assertEqual(await self.store.sizes([b"r:alpha"]), [(1, 0)])

    async def test_overdue_tells_again_what_it_gave_out(self):
        """A message that is overdue is not forgotten with the answer; its receipt comes once."""
        await self.store.record(b"north", [mapping(b"1", remind=True)], 50, {})
        self.relay.swallow = 1
        self.assertEqual([each.key for each in await self.store.overdue(9)], [b"1"])
        self.relay.swallow = 1
        await self.store.put_receipts(b"alpha", [(b"o", b"r")], Limit(5, 50))
        self.assertEqual(await self.store.sizes([b"r:alpha"]), [(1, 0)])

    async def test_mg28_a_lease_whose_answer_is_lost(self):
        """It is ours, and taken once; without patience nobody knows."""
        self.relay.swallow = 1
        self.assertEqual(await self.store.take_bind(b"a", b"1", 1, 30, patience=5.0), True)
        self.relay.swallow = 1
        await self.store.keep_binds([(b"a", b"1")], 30, 5.0)
        self.relay.swallow = 1
        await self.store.drop_binds([(b"a", b"1")])
        self.assertEqual(await self.store.take_bind(b"a", b"2", 1, 30), True)
        self.relay.swallow = 1
        error = await self.fails(self.store.take_bind(b"a", b"3", 1, 30))
        self.assertEqual((error.fate, error.reason), ("unknown", "lost"))

    async def test_fetch_hands_out_the_same_entries_again(self):
        """What was taken is not left in hands that never saw it; what was trimmed is not there."""
        await self.store.put(b"m:alpha", [b"1", b"2", b"3"], Limit(5, 50))
        self.relay.swallow = 1
        entries = await self.store.fetch([(b"m:alpha", 2)])
        self.assertEqual([each.receipt for each in entries], [b"1", b"2"])
        self.relay.swallow = 1
        entries = await self.store.fetch([(b"m:alpha", 2), (b"m:beta", 2)])
        self.assertEqual([each.receipt for each in entries], [b"3"])

    async def test_adopt_hands_out_the_same_entries_again(self):
        """What a former process of this node held is not lost with an answer, and given once."""
        await self.store.put(b"m:alpha", [b"1", b"2"], Limit(5, 50))
        await self.store.fetch([(b"m:alpha", 2)])
        await later(reactor, 0.005)
        again = open_store(f"redis+unix://{self.relay.path}?deadline=0.5", "node", reactor)
        self.addCleanup(again.stop)
        await again.start()
        self.relay.swallow = 1
        entries = await again.adopt([b"m:alpha"], 10, 0, None)
        told = [(each.receipt, each.deliveries) for each in entries]
        self.assertEqual(told, [(b"1", 2), (b"2", 2)])
        self.assertEqual(await again.adopt([b"m:alpha"], 10, 0, None), [])

    async def test_an_ack_is_done_at_last(self):
        """It has all the patience there is."""
        await self.store.put(b"m:alpha", [b"1"], Limit(5, 50))
        (entry,) = await self.store.fetch([(b"m:alpha", 2)])
        self.relay.swallow = 1
        await self.store.ack([(entry.queue, entry.entry_id)])
        self.assertEqual(await self.store.sizes([b"m:alpha"]), [(0, 0)])

    async def test_without_patience_the_fate_is_unknown(self):
        """The caller is told that it may have happened."""
        self.relay.swallow = 1
        error = await self.fails(self.store.take_numbers(b"n", 5))
        self.assertEqual((error.fate, error.reason), ("unknown", "lost"))

    async def test_a_late_copy_of_a_call_changes_nothing(self):
        """What lay in the server's buffer when the connection was given up runs into the fence."""
        self.relay.hold = 1
        await self.store.put(b"m:alpha", [b"1"], Limit(5, 50))
        self.assertEqual(len(self.relay.held), 1)
        (entry,) = await self.store.fetch([(b"m:alpha", 5)])
        await self.store.ack([(entry.queue, entry.entry_id)])
        await self.store.take_numbers(b"n", 5)
        self.relay.let_go()
        await later(reactor, 0.05)
        self.assertEqual(await self.store.sizes([b"m:alpha"]), [(0, 0)])

    async def test_a_fenced_connection_is_given_up(self):
        """Should the fence ever be another's, the call goes to a new connection."""
        self.server.command("SET", self.store._fence, "999")
        self.assertEqual(await self.store.take_numbers(b"n", 5, patience=5.0), 1)
        self.assertEqual(self.relay.connections, 2)

    async def test_f80_a_server_that_closes_between_accept_and_handshake(self):
        """However often: the store is back with the server (T1)."""
        self.relay.refuse = 3
        self.store._link.abort()
        self.assertFalse(self.store.ready)
        self.assertEqual(await self.store.take_numbers(b"n", 5, patience=None), 1)
        self.assertEqual(self.relay.connections, 5)

    async def test_a_cancelled_call_gives_its_place_back(self):
        """Whether it is out or waits."""
        out = self.store.take_numbers(b"n", 5, patience=None)
        out.cancel()
        self.store._link.abort()
        waiting = self.store.take_numbers(b"n", 5, patience=None)
        waiting.cancel()
        late = self.store.take_numbers(b"n", 5, patience=None)
        for call in (out, waiting):
            await self.assertFailure(call, CancelledError)
        await late
        late = self.store.take_numbers(b"n", 5, patience=None)
        late.cancel()
        await self.assertFailure(late, CancelledError)
        await self.store.take_numbers(b"n", 5, patience=None)
        self.assertEqual(len(self.store._calls), 0)


class CrashTests(FaultTestCase):
    """The server goes and comes."""

    async def test_f79_sigkill_under_load(self):
        """Kills while maps and receipts are written: nothing acknowledged is lost or doubled."""
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        done: list[bytes] = []

        async def lane(name: int) -> None:
            for turn in range(40):
                ids = [b"%d-%d-%d" % (name, turn, each) for each in range(20)]
                maps = [mapping(each, origin=each) for each in ids]
                arrivals = [arrival(each, receipt=each) for each in ids]
                early = await store.match(b"north", arrivals[:5], FINAL_TTL, {})
                released = await store.record(b"north", maps, TTL, {}, patience=None)
                answers = await store.match(b"north", arrivals[5:], FINAL_TTL, {})
                self.assertEqual(early, [(1, b"")] * 5)
                self.assertEqual(released, [(QUEUED, b"r:alpha")] * 5)
                self.assertEqual(answers, [(QUEUED, b"r:alpha")] * 15)
                done.extend(ids)

        async def nemesis() -> None:
            for count in (500, 1000, 1500, 2000):
                await self.until(functools.partial(lambda count: len(done) >= count, count))
                server.restart()

        await gatherResults(
            [Deferred.fromCoroutine(each) for each in (*map(lane, range(4)), nemesis())]
        )
        server.restart()
        entries = []
        while more := await store.fetch([(b"r:alpha", 1000)], patience=None):
            entries += more
        self.assertEqual(sorted(each.receipt for each in entries), sorted(done))
        self.assertTrue(all(each.receipt == each.origin for each in entries))
        self.assertEqual(await store.parked(b"north"), 0)
        self.assertEqual(server.command("HLEN", "smppproxy:mm:north"), len(done))

    async def test_t2_what_failed_is_never_done_later(self):
        """Calls without patience fail at once while the server is away, and stay undone."""
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        server.stop()
        await self.until(lambda: not store.ready)
        for _ in range(100):
            error = await self.fails(store.take_numbers(b"n", 1))
            self.assertEqual((error.fate, error.reason), ("not_sent", "away"))
        error = await self.fails(store.take_numbers(b"n", 1, patience=0.2))
        self.assertEqual((error.fate, error.reason), ("not_sent", "away"))
        patient = [store.take_numbers(b"n", 1, patience=None) for _ in range(5)]
        server.start()
        self.assertEqual(await gatherResults(patient), [1, 2, 3, 4, 5])

    async def test_f81_a_server_that_stands_still(self):
        """The connection is given up at the deadline; when it goes on, all is done once."""
        server = self.own_server()
        store = self.open_at(server, "?deadline=0.2")
        seen: list[bool] = []
        store.watch(seen.append)
        await store.start()
        await store.record(b"north", [mapping(b"1")], TTL, {})
        server.freeze()
        call = store.match(b"north", [arrival(b"1")], FINAL_TTL, {})
        await self.until(lambda: not store.ready)
        await later(reactor, 0.5)
        server.thaw()
        self.assertEqual(await call, [(QUEUED, b"r:alpha")])
        self.assertEqual(await store.sizes([b"r:alpha"]), [(1, 0)])
        self.assertEqual(seen, [True, False, True])

    async def test_f81_what_was_given_up_is_not_done(self):
        """A server that stood still for longer than a call's patience leaves that undone: the
        caller has told others that there is no way back for their receipts.
        """
        server = self.own_server()
        store = self.open_at(server, "?deadline=0.2")
        await store.start()
        server.freeze()
        error = await self.fails(store.record(b"north", [mapping(b"1")], TTL, {}, patience=1.0))
        self.assertEqual(error.fate, "unknown")
        server.thaw()
        await self.until(lambda: store.ready)
        outcome = await store.match(b"north", [arrival(b"1")], FINAL_TTL, {})
        self.assertEqual(outcome, [(PARKED, b"")])

    async def test_f89_the_servers_clock_is_set(self):
        """A step of its clock is learnt from the first call that meets it; nothing is given up."""
        calls = self.store._calls
        calls._ahead -= 3_600_000
        await self.store.record(b"north", [mapping(b"1")], TTL, {}, patience=5.0)
        outcome = await self.store.match(b"north", [arrival(b"1")], FINAL_TTL, {}, patience=5.0)
        self.assertEqual(outcome, [(QUEUED, b"r:alpha")])
        calls._time_told(ServerError("LOADING"))
        self.assertEqual(await self.store.take_numbers(b"n", 1, patience=5.0), 1)

    async def test_f81_an_idle_store_notices_too(self):
        """Without any call, by its probe (T24)."""
        server = self.own_server()
        store = self.open_at(server, "?deadline=0.2")
        await store.start()
        server.freeze()
        store._suspect()
        await self.until(lambda: not store.ready)
        server.thaw()
        await self.until(lambda: store.ready)

    async def test_a_bound_on_what_is_out(self):
        """More calls than the cap fail at once as not sent, and the cap is free again after."""
        self.store._calls._slots = self.store._calls._slots[-2:]
        calls = [self.store.take_numbers(b"n", 1) for _ in range(2)]
        error = await self.fails(self.store.take_numbers(b"n", 1))
        self.assertEqual((error.fate, error.reason), ("not_sent", "busy"))
        self.assertEqual(await gatherResults(calls), [1, 2])
        self.assertEqual(await self.store.take_numbers(b"n", 1), 3)

    async def test_t15_calls_keep_their_order(self):
        """They run in the order in which they were made."""
        calls = [self.store.take_numbers(b"n", 1) for _ in range(500)]
        self.assertEqual(await gatherResults(calls), list(range(1, 501)))

    async def test_stop_fails_what_is_out(self):
        """However patient; and every call after it."""
        call = self.store.take_numbers(b"n", 1, patience=None)
        stopped = self.store.stop()
        error = await self.fails(call)
        self.assertEqual(error.fate, "unknown")
        await stopped
        await self.fails(self.store.take_numbers(b"n", 1, patience=None))

    async def test_stop_before_the_first_connection(self):
        """A store that never reached its server can be stopped."""
        store = open_store("redis+unix:///nowhere/at/all", "node", reactor)
        store.start()
        await store.stop()


class RefusalTests(FaultTestCase):
    """The server answers, with an error."""

    async def test_f83_out_of_memory(self):
        """New things are refused as full; queues can still be emptied; then all goes on."""
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        await store.put(b"m:alpha", [b"1", b"2"], Limit(5, 50))
        (entry,) = await store.fetch([(b"m:alpha", 1)])
        self.assertEqual(store.memory_used, 0.0)
        server.command("CONFIG", "SET", "maxmemory", "1")
        error = await self.fails(store.record(b"north", [mapping(b"1")], TTL, {}, patience=0.0))
        self.assertEqual((error.fate, error.reason), ("not_sent", "full"))
        await self.until(lambda: store.full and not store.ready)
        self.assertEqual(await store.ack([(entry.queue, entry.entry_id)]), 1)
        (entry,) = await store.fetch([(b"m:alpha", 1)])
        self.assertEqual(entry.receipt, b"2")
        store._link.abort()
        await self.until(lambda: store._shaken)
        self.assertTrue(store.full and not store.ready)
        waiting = store.record(b"north", [mapping(b"1")], TTL, {}, patience=None)
        server.command("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(await waiting, [])
        await self.until(lambda: store.ready and not store.full)

    async def test_l4_it_tells_how_full_it_is(self):
        """At the handshake, and every few seconds after it."""
        server = self.own_server()
        server.command("CONFIG", "SET", "maxmemory", str(1 << 30))
        store = self.open_at(server)
        await store.start()
        before = store.memory_used
        self.assertTrue(0.0 < before < 0.5, before)
        server.command("CONFIG", "SET", "maxmemory", str(1 << 28))
        store._suspect()
        await self.until(lambda: store.memory_used > 2 * before)

    async def test_a_server_that_writes_nothing_to_disk_is_told_of(self):
        """It works, with a warning that says what it means."""
        server = self.own_server("--appendonly", "no")
        self.assertIn("store_not_durable", await self.events(server))
        careful = self.own_server("--appendfsync", "everysec")
        self.assertIn("store_holds_back", await self.events(careful))

    async def events(self, server: RedisServer) -> list[object]:
        """The names of what is logged while a store connects."""
        seen = logged(self)
        await self.open_at(server).start()
        return [event.get("event") for event in seen]

    async def test_f85_a_demoted_master_is_left(self):
        """READONLY: the connection is given up until a master is there (T17)."""
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        server.command("REPLICAOF", "127.0.0.1", "1")
        call = store.take_numbers(b"n", 1, patience=None)
        await self.until(lambda: not store.ready)
        server.command("REPLICAOF", "NO", "ONE")
        self.assertEqual(await call, 1)

    async def test_f85_an_idle_store_leaves_a_demoted_master_too(self):
        """The probe writes, so it finds out."""
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        server.command("REPLICAOF", "127.0.0.1", "1")
        store._suspect()
        await self.until(lambda: not store.ready)
        server.command("REPLICAOF", "NO", "ONE")
        await self.until(lambda: store.ready)

    async def test_f85_too_few_replicas(self):
        """NOREPLICAS: not ready, calls wait, the connection stays."""
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        server.command("CONFIG", "SET", "min-replicas-to-write", "1")
        error = await self.fails(store.put(b"m:alpha", [b"1"], Limit(5, 50), patience=0.0))
        self.assertEqual((error.fate, error.reason), ("not_sent", "away"))
        await self.until(lambda: not store.ready)
        self.assertFalse(store.full)
        server.command("CONFIG", "SET", "min-replicas-to-write", "0")
        await self.until(lambda: store.ready)

    async def test_f85_a_wrong_password_that_is_mended_later(self):
        """The store keeps trying, and is ready when the password is right."""
        server = self.own_server("--requirepass", "other")
        store: Any
        url = server.url.replace("//", "//:right@")
        store = open_store(f"{url}?deadline=10", "node", reactor)
        self.addCleanup(store.stop)
        started = store.start()
        await self.until(lambda: "password" in store._complaint)
        self.assertFalse(store.ready)
        _as_admin(server, "CONFIG", "SET", "requirepass", "right")
        await started
        named = open_store(server.url.replace("//", "//default:right@") + "?db=3", "n", reactor)
        self.addCleanup(named.stop)
        await named.start()
        self.assertEqual(await named.take_numbers(b"n", 1), 1)
        self.assertEqual(await store.take_numbers(b"n", 1), 1)

    async def test_f82_a_script_that_never_ends(self):
        """BUSY: calls wait until somebody ends it."""
        server = self.own_server("--busy-reply-threshold", "20")
        store = self.open_at(server, "?deadline=5")
        await store.start()
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(server.path)
            command: Any = ("EVAL", "while true do end", "0")
            other.sendall(pack_command(command))
            await later(reactor, 0.1)
            call = store.take_numbers(b"n", 1, patience=None)
            await self.until(lambda: not store.ready)
            server.command("SCRIPT", "KILL")
        self.assertEqual(await call, 1)
        await self.until(lambda: store.ready)

    async def test_f87_flushall_and_a_lost_group(self):
        """A missing group is made again; what was not acknowledged is handed out again."""
        await self.store.put(b"m:alpha", [b"1"], Limit(5, 50))
        await self.store.fetch([(b"m:alpha", 5)])
        self.server.command("XGROUP", "DESTROY", "smppproxy:q:m:alpha", "g")
        self.assertEqual(await self.store.sizes([b"m:alpha"]), [(1, 0)])
        await self.store.touch([(b"m:alpha", b"1-1")])
        self.assertEqual(await self.store.adopt([b"m:alpha"], 5, 1), [])
        self.assertEqual(await self.store.adopt([b"m:alpha"], 5, 0), [])
        self.assertEqual(len(await self.store.fetch([(b"m:alpha", 5)])), 1)
        self.server.command("FLUSHALL")
        self.assertEqual(await self.store.fetch([(b"m:alpha", 5)]), [])
        self.assertEqual(await self.store.take_numbers(b"n", 1), 1)

    async def test_f88_script_flush(self):
        """No call is lost when the server has forgotten the scripts, or never knew them."""
        await self.store.take_numbers(b"n", 1)
        self.server.command("SCRIPT", "FLUSH")
        calls = [self.store.take_numbers(b"n", 1) for _ in range(10)]
        self.assertEqual(sorted(await gatherResults(calls)), list(range(2, 12)))

    async def test_an_error_that_does_not_pass(self):
        """A key of another type: the call fails as refused, others go on."""
        self.server.command("SET", "smppproxy:q:m:alpha", "text")
        for call in (
            self.store.put(b"m:alpha", [b"1"], Limit(5, 50), patience=None),
            self.store.fetch([(b"m:alpha", 5)], patience=None),
        ):
            error = await self.fails(call)
            self.assertEqual((error.fate, error.reason), ("unknown", "refused"))
            self.assertIn("WRONGTYPE", str(error))
        self.assertTrue(self.store.ready)

    async def test_an_error_that_does_not_pass_is_told_once(self):
        """Once a minute for each script, however many calls fail of it."""
        self.server.command("SET", "smppproxy:q:m:alpha", "text")
        with capturedLogs() as events:
            for _ in range(3):
                await self.fails(self.store.put(b"m:alpha", [b"1"], Limit(5, 50), patience=None))
            await self.fails(self.store.fetch([(b"m:alpha", 5)], patience=None))
        told = [event for event in events if event.get("event") == "store_call_refused"]
        self.assertEqual([event["script"] for event in told], ["put", "fetch"])
        self.assertIn("WRONGTYPE", told[0]["detail"])

    async def test_a_result_that_cannot_be_read(self):
        """It is an error of the store, not of the caller, and told."""
        with capturedLogs() as events:
            error = await self.fails(
                self.store._calls.call(self.store._numbers, (b"n", 1), _broken, None)
            )
        self.assertEqual(error.reason, "refused")
        self.assertEqual([event["script"] for event in events if "script" in event], ["numbers"])
        self.assertEqual(await self.store.take_numbers(b"n", 1), 2)


class AgeTests(FaultTestCase):
    """What grows old, by the server's clock."""

    async def test_gw22_what_is_too_old_is_dropped(self):
        """By the next fetch or sweep, delivered or not, and counted."""
        key = "smppproxy:q:m:alpha"
        for number in range(600):
            self.server.command("XADD", key, f"{1000 + number}-0", "o", "", "r", "old")
        await self.store.put(b"m:alpha", [b"new"], Limit(1000, 172_800))
        entries = await self.store.fetch([(b"m:alpha", 5)])
        self.assertEqual([each.receipt for each in entries], [b"new"])
        self.assertEqual(await self.store.dropped(), {b"m:alpha": 600})
        await self.store.ack([(each.queue, each.entry_id) for each in entries])
        self.server.command("XADD", "smppproxy:q:m:beta", "1000-0", "o", "", "r", "old")
        self.assertEqual(await self.store.sweep({b"m:beta": Limit(5, 50)}), {b"m:beta": 1})
        self.assertEqual(await self.store.sweep({b"m:beta": Limit(5, 50)}), {})

    async def test_d5_parked_for_two_days_becomes_an_orphan(self):
        """Moved to the orphans with all that is known of it, and no longer parked."""
        lost = arrival(b"tlv", b"text")
        await self.store.match(b"p:q", [lost], FINAL_TTL, {})
        self.assertEqual(await self.store.sweep({}), {})
        index = "smppproxy:pi:p%3aq"
        (name,) = self.server.command("ZRANGE", index, 0, -1)
        self.server.command("ZADD", index, 1, name)
        self.assertEqual(await self.store.sweep({}), {b"p:p:q": 1})
        (stray,) = await self.store.orphans(10)
        self.assertEqual((stray.provider, stray.reason, stray.arrival), (b"p:q", b"unknown", lost))
        self.assertEqual(await self.store.parked(b"p:q"), 0)
        self.assertEqual(self.server.command("KEYS", "*pk:*"), [])

    async def test_maps_that_expired_do_not_count(self):
        """Under one id, a map past its time is no owner."""
        await self.store.record(b"north", [mapping(b"1")], 1, {})
        await self.store.record(b"north", [mapping(b"1", b"beta", b"70000002")], TTL, {})
        await later(reactor, 1.1)
        wrong, right = arrival(b"1"), arrival(b"1", destination=b"70000002")
        answers = await self.store.match(b"north", [wrong, right], FINAL_TTL, {})
        self.assertEqual(answers, [(4, b""), (QUEUED, b"r:beta")])


def _as_admin(server: RedisServer, *parts: Any) -> None:
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(10)
        admin.connect(server.path)
        for command in (("AUTH", "other"), parts):
            admin.sendall(pack_command(command))
            assert admin.recv(1000) == b"+OK\r\n"


def _broken(reply: Any) -> Any:
    raise ValueError("not what was expected")
