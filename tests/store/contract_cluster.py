"""The contract of what nodes say to each other and of who is there, for every kind of store."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, succeed

from smppproxy.store.bus import MAX_PAYLOAD

from .contract import Uses


class BusContract(Uses):
    """Announcements and questions."""

    flushLoggedErrors: Callable[..., list[Any]]

    async def pair(self) -> tuple[Any, Any]:
        """This node and another, both listening."""
        other = await self.new_store("other")
        self.heard: list[tuple[str, bytes, bytes]] = []
        for name, store in (("node", self.store), ("other", other)):
            store.bus.hear(b"t", partial(self.hear, name))
            store.bus.answer(b"who", partial(self.tell, name))
        while len(await self.ask(self.store, b"ready?")) < 2:
            await self.pause()
        while len(await self.ask(other, b"ready?")) < 2:
            await self.pause()
        return self.store, other

    async def test_it_is_counted_what_others_say(self):
        """Not what this node says itself; and a node knows that it hears."""
        one, other = await self.pair()
        before = one.bus.heard, other.bus.heard
        one.bus.announce(b"t", b"1")
        while ("other", b"node", b"1") not in self.heard:
            await self.pause()
        self.assertEqual((one.bus.heard, other.bus.heard), (before[0], before[1] + 1))
        self.assertEqual((one.bus.connected, one.bus.unreadable), (True, 0))

    def hear(self, name: str, node: bytes, payload: bytes) -> None:
        self.heard.append((name, node, payload))

    def tell(self, name: str, payload: bytes) -> bytes:
        return payload + name.encode()

    async def ask(self, store: Any, payload: bytes, topic: bytes = b"who") -> Any:
        """The answers, with the time that they take on the store's clock."""
        asked = store.bus.ask(topic, payload, 5.0)
        while not asked.called:
            await self.pause()
        return await asked

    async def test_an_announcement_reaches_every_node(self):
        """Octets, and who says them; this node hears itself at once, and once."""
        one, other = await self.pair()
        one.bus.announce(b"t", bytes(range(256)))
        self.assertEqual(self.heard, [("node", b"node", bytes(range(256)))])
        other.bus.announce(b"else", b"")
        other.bus.announce(b"t", b"2")
        while len(self.heard) < 4:
            await self.pause()
        await self.ask(one, b"")
        self.assertEqual(
            sorted(self.heard),
            [
                ("node", b"node", bytes(range(256))),
                ("node", b"other", b"2"),
                ("other", b"node", bytes(range(256))),
                ("other", b"other", b"2"),
            ],
        )

    async def test_every_node_answers_a_question(self):
        """By name, and as soon as all have."""
        one, _ = await self.pair()
        self.assertEqual(
            await self.ask(one, b"I am "), {b"node": b"I am node", b"other": b"I am other"}
        )

    async def test_an_answer_may_take_its_time(self):
        """A Deferred of it does; who has none is not waited for."""
        one, other = await self.pair()
        slow: Deferred[bytes] = Deferred()
        other.bus.answer(b"slow", lambda payload: slow)
        asked = one.bus.ask(b"slow", b"", 5.0)
        await self.pause()
        self.assertEqual(asked.called, False)
        slow.callback(b"done")
        while not asked.called:
            await self.pause()
        self.assertEqual(await asked, {b"other": b"done"})

    async def test_who_does_not_answer_in_time_is_left_out(self):
        """The question ends all the same, with the answers that came; later ones do no harm."""
        one, other = await self.pair()
        slow: Deferred[bytes] = Deferred()
        other.bus.answer(b"slow", lambda payload: slow)
        one.bus.answer(b"slow", lambda payload: succeed(b"quick"))
        asked = one.bus.ask(b"slow", b"", 0.5)
        while not asked.called:
            await self.pause()
        self.assertEqual(await asked, {b"node": b"quick"})
        slow.callback(b"late")
        self.assertEqual(len(await self.ask(one, b"")), 2)

    async def test_an_answer_that_breaks_is_logged_and_left_out(self):
        """The question ends at once; so it does when the answer cannot be sent."""
        one, other = await self.pair()
        other.bus.answer(b"broken", lambda payload: payload.no_such_thing)
        other.bus.answer(b"huge", lambda payload: bytes(MAX_PAYLOAD + 1))
        other.bus.answer(b"text", lambda payload: "text")
        for topic in (b"broken", b"huge", b"text", b"nobody knows"):
            self.assertEqual(await self.ask(one, b"", topic), {})
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    async def test_a_hearer_that_breaks_is_logged(self):
        """The others hear it all the same."""
        one, _ = await self.pair()
        one.bus.hear(b"t", lambda node, payload: payload.no_such_thing)
        one.bus.hear(b"t", lambda node, payload: self.heard.append(("last", node, payload)))
        one.bus.announce(b"t", b"1")
        self.assertEqual([name for name, _, _ in self.heard], ["node", "last"])
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    async def test_a_payload_that_is_too_large_is_refused(self):
        """At the caller, before anything is sent; the largest arrives."""
        one, _ = await self.pair()
        for bad in (bytes(MAX_PAYLOAD + 1), "text", None):
            with self.assertRaises(ValueError):  # type: ignore[attr-defined]
                one.bus.announce(b"t", bad)
            with self.assertRaises(ValueError):  # type: ignore[attr-defined]
                one.bus.ask(b"who", bad, 1.0)
        self.assertEqual(self.heard, [])
        one.bus.announce(b"t", bytes(MAX_PAYLOAD))
        while len(self.heard) < 2:
            await self.pause()
        self.assertEqual({len(payload) for _, _, payload in self.heard}, {MAX_PAYLOAD})

    async def test_two_nodes_of_one_name_are_both_heard(self):
        """And told apart: the second is ``~2``."""
        one, _ = await self.pair()
        twin = await self.new_store("node")
        twin.bus.answer(b"who", lambda payload: b"twin")
        twin.bus.hear(b"t", lambda node, payload: self.heard.append(("twin", node, payload)))
        while len(found := await self.ask(one, b"")) < 3:
            await self.pause()
        self.assertEqual(sorted(found), [b"node", b"node~2", b"other"])
        self.assertEqual(sorted(found.values()), [b"node", b"other", b"twin"])
        one.bus.announce(b"t", b"1")
        while len(self.heard) < 3:
            await self.pause()
        self.assertEqual({name for name, _, _ in self.heard}, {"node", "other", "twin"})

    async def test_whoever_asks_may_change_their_mind(self):
        """A cancelled question leaves nothing behind."""
        one, _ = await self.pair()
        asked = one.bus.ask(b"who", b"", 5.0)
        asked.addErrback(lambda failure: None)
        asked.cancel()
        self.assertEqual(len(await self.ask(one, b"")), 2)

    async def test_a_stopped_store_ends_every_question(self):
        """With the answers that it has."""
        one, other = await self.pair()
        slow: Deferred[bytes] = Deferred()
        other.bus.answer(b"slow", lambda payload: slow)
        asked = one.bus.ask(b"slow", b"", 60.0)
        await one.stop()
        self.assertEqual(await asked, {})
        one.bus.announce(b"t", b"to nobody")
        self.assertEqual(self.heard, [("node", b"node", b"to nobody")])

    async def test_what_makes_no_sense_is_counted(self):
        """Other versions, other shapes, noise: nothing breaks."""
        one, _ = await self.pair()
        for noise in (
            b"",
            b"\xc1",
            b"\x01",
            b"\x97" + b"\x01" * 7,
            b"\x91" * 5000,
            b"\x80",
            b"\xc0",
        ):
            one.bus.received(noise)
        one.bus.received(one.bus._packed(9, 1, b"t", b"").replace(b"node", b"nobo", 1))
        self.assertEqual(one.bus.unreadable, 8)
        self.assertEqual(len(await self.ask(one, b"")), 2)


class NodesContract(Uses):
    """Who is there."""

    async def test_a_node_is_known_by_its_beat(self):
        """With what it said last, and how long ago that was."""
        other = await self.new_store("other")
        self.assertEqual(await self.store.nodes(), {})
        self.assertEqual(await self.store.beat({"version": 1}), False)
        self.assertEqual(await self.store.beat({"version": 2, "admin": "127.0.0.1:8080"}), False)
        self.assertEqual(await other.beat({"nested": {"a": [1, 2.5, None, "é"]}}), False)
        nodes = await other.nodes()
        self.assertEqual({type(node.pop("seconds")) for node in nodes.values()}, {float})
        self.assertEqual(
            nodes,
            {
                b"node": {"version": 2, "admin": "127.0.0.1:8080"},
                b"other": {"nested": {"a": [1, 2.5, None, "é"]}},
            },
        )

    async def test_a_node_that_leaves_is_not_known(self):
        """At once; leaving twice does no harm."""
        other = await self.new_store("other")
        await self.store.beat({})
        await other.beat({})
        await self.store.leave()
        await self.store.leave()
        self.assertEqual([*await other.nodes()], [b"other"])

    async def test_a_node_that_began_again_is_one(self):
        """What its former process said is gone with the first beat of the new one."""
        await self.store.beat({"life": 1})
        again = await self.new_store("node")
        self.assertEqual(await again.beat({"life": 2}), False)
        ((name, facts),) = (await again.nodes()).items()
        self.assertEqual((name, facts["life"]), (b"node", 2))

    async def test_two_nodes_of_one_name_are_told_so(self):
        """Both are listed."""
        twin = await self.new_store("node")
        await self.store.beat({"which": 1})
        self.assertEqual(await twin.beat({"which": 2}), False)
        for _ in range(2):
            self.assertEqual(
                (await self.store.beat({"which": 1}), await twin.beat({})), (True, True)
            )
        self.assertEqual(sorted(await self.store.nodes()), [b"node", b"node~2"])


class VersionsContract(Uses):
    """The network as numbered versions."""

    async def add(self, expected: int, blob: bytes = b"blob", **more: Any) -> tuple[bool, int]:
        words = {"by": "ann@host", "why": "because", "sha256": "ab" * 32, **more}
        return await self.store.versions.add(blob, expected=expected, **words)

    async def test_a_version_is_kept_with_who_when_and_why(self):
        """Octets and words come back as they were; the newest is the current one."""
        versions = self.store.versions
        self.assertEqual((await versions.number(), await versions.newest(9)), (0, []))
        self.assertEqual(await versions.get(0), None)
        self.assertEqual(await self.add(0, bytes(range(256))), (True, 1))
        self.assertEqual(await self.add(1, b"", by="é", why="", origin=1), (True, 2))
        other: Any = (await self.new_store("other")).versions
        self.assertEqual(await other.number(), 2)
        first, blob = await other.get(1)
        self.assertEqual(blob, bytes(range(256)))
        self.assertEqual(
            (first.number, first.by, first.why, first.origin, first.sha256, first.size),
            (1, "ann@host", "because", 0, "ab" * 32, 256),
        )
        second, blob = await other.get(2)
        self.assertEqual((second.by, second.why, second.origin, blob), ("é", "", 1, b""))
        self.assertEqual(first.at <= second.at <= first.at + 1 and first.at > 1_600_000_000, True)
        self.assertEqual(await other.newest(9), [second, first])
        self.assertEqual(await other.newest(1), [second])
        self.assertEqual((await other.get(3), await other.get(-1)), (None, None))

    async def test_of_two_at_once_one_is_taken(self):
        """The other is told which one is current, and is not there."""
        await self.add(0)
        results = [await self.add(1, b"one"), await self.add(1, b"two")]
        self.assertEqual(results, [(True, 2), (False, 2)])
        self.assertEqual(await self.add(0), (False, 2))
        self.assertEqual(await self.add(7), (False, 2))
        self.assertEqual((await self.store.versions.get(2))[1], b"one")
        self.assertEqual(len(await self.store.versions.newest(9)), 2)

    async def test_the_oldest_goes(self):
        """200 are kept."""
        for number in range(203):
            await self.add(number, b"%d" % number)
        numbers = [version.number for version in await self.store.versions.newest(999)]
        self.assertEqual(numbers, [*range(203, 3, -1)])
        self.assertEqual(await self.store.versions.get(3), None)
        self.assertEqual((await self.store.versions.get(4))[1], b"3")

    async def test_a_large_version(self):
        """Some megabytes make no trouble."""
        blob = bytes(range(256)) * 16_000
        await self.add(0, blob)
        self.assertEqual((await self.store.versions.get(1))[1], blob)
