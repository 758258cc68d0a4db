"""A whole relay in memory with a hostile client and a hostile provider, and somebody innocent.

The sessions, the relay and the store are the product's own; only sockets are missing. Two accounts
and two providers are bound. One client and one provider send what the octets say; the other client
sends good messages through the other provider and must notice nothing.
"""

from __future__ import annotations

from smppproxy.routing.mo import MoRoute
from smppproxy.routing.routes import Route, Target
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.session import CLOSED
from tests.fuzz.feed import Feed
from tests.support.memory_peers import (
    FakeClient,
    FakePeer,
    World,
    make_account,
    make_provider,
    mo,
    receipt,
    submit,
)

EVIL, GOOD = "evil", "good"
STEPS = 48
"""Things that happen in one run at most."""

SETTLE = 35.0
"""Seconds after the last of them, for the timers of those that were left unanswered."""


ACCOUNTS = (make_account(EVIL, window=10), make_account(GOOD))
PROVIDERS = (make_provider(EVIL, window=5), make_provider(GOOD, "a"))
ROUTES = (
    Route("good", accounts=frozenset({GOOD}), targets=(Target(GOOD),)),
    Route("all", targets=(Target(EVIL),)),
)
MO_ROUTES = (MoRoute(EVIL, frozenset({"1234"})), MoRoute(GOOD, frozenset({"9999"})))


class Hostile(World):
    """Who is bound at the beginning."""

    def __init__(self) -> None:
        super().__init__(ACCOUNTS, PROVIDERS, ROUTES, MO_ROUTES)
        self.evil_upstream = self.upstream("a", EVIL)
        self.good_upstream = self.upstream("a", GOOD)
        self.evil = self.client(EVIL)
        self.good = self.client(GOOD)
        self.ids: list[bytes] = []
        self.number = 100


def journeys(data: bytes) -> None:
    """No exception, the ledger adds up, the other account's messages and receipts are its own."""
    feed = Feed(data)
    world = Hostile()
    for _ in range(STEPS):
        if not feed.more:
            break
        step(world, feed)
        innocent(world)
        off = world.ledger.imbalance()
        assert not off, off
    world.advance(SETTLE)
    innocent(world)
    off = world.ledger.imbalance()
    assert not off, off


def step(world: Hostile, feed: Feed) -> None:
    """One thing that the hostile pair does."""
    STEPS_OF[feed.number(len(STEPS_OF))](world, feed)


def from_client(world: Hostile, feed: Feed) -> None:
    """A PDU, a text, a submit_sm with anything in it, or octets that are none."""
    kind = feed.number(4)
    world.number += 1
    if kind == 0:
        octets = feed.pdu()
    elif kind == 1:
        octets = feed.piece()
    elif kind == 2:
        octets = submit(world.number, short_message=feed.octets(feed.number(160)))
    else:
        octets = any_submit(feed)
    send(world.evil, octets)


def from_provider(world: Hostile, feed: Feed) -> None:
    """A PDU, octets that are none, or an MO message for the account or for nobody."""
    kind = feed.number(3)
    if kind == 0:
        octets = feed.pdu()
    elif kind == 1:
        octets = feed.piece()
    else:
        world.number += 1
        number = b"1234" if feed.number(2) else b"9998"
        octets = mo(world.number, number, short_message=feed.octets(feed.number(140)))
    send(world.evil_upstream, octets)


def any_submit(feed: Feed) -> bytes:
    """A submit_sm of the right form with anything in it."""
    return build.submit_sm(
        feed.number() + 1,
        esm_class=feed.number(),
        data_coding=feed.number(),
        registered_delivery=feed.number(),
        destination_addr=feed.octets(feed.number(21)).replace(b"\0", b""),
        short_message=feed.octets(feed.number(160)),
    )


def acknowledge(world: Hostile, feed: Feed) -> None:
    """Some of what was delivered is taken, or put off."""
    client = world.evil
    status = 0x64 if feed.number(4) else 0
    if alive(client):
        client.acknowledge(client.deliveries()[: feed.number(16)], status)


def wait(world: Hostile, feed: Feed) -> None:
    """Time passes."""
    world.advance(float(feed.number(12)))


def alive(peer: FakePeer) -> bool:
    """Whether the peer's connection still stands."""
    return peer.connected and not peer.closed_for and peer.session.state != CLOSED


def send(peer: FakePeer, data: bytes) -> None:
    """One write of the peer."""
    if alive(peer):
        peer.receive(data)


def answer(world: Hostile, feed: Feed) -> None:
    """Answers to what waits: good, bad, twice, of another kind, with ids of any octets."""
    upstream = world.evil_upstream
    waiting = upstream.submits()
    for pdu in waiting[: feed.number(8)]:
        what = feed.number(6)
        message_id = feed.octets(feed.number(70)).replace(b"\0", b"")
        if what < 3:
            message_id = b"%d" % (what if feed.number(2) else pdu.sequence_number)
        world.ids.append(message_id)
        if what == 5:
            send(upstream, build.refusal(pdu, pdu.sequence_number, feed.number() + 1))
        else:
            again = build.submit_sm_resp(pdu.sequence_number, message_id)
            send(upstream, again * (1 + feed.number(2)))


def told(world: Hostile, feed: Feed) -> None:
    """A receipt for an id that was given, for one of the good account, or for none."""
    ids = world.ids or [b"1"]
    which = feed.number()
    message_id = b"good-%d" % (which % 8) if which > 200 else ids[which % len(ids)]
    stat = (b"DELIVRD", b"EXPIRED", b"ENROUTE", b"", b"\xff")[feed.number(5)]
    world.number += 1
    send(world.evil_upstream, receipt(world.number, message_id[:65], stat=stat))


def anew(world: Hostile, feed: Feed) -> None:
    """One of the two goes and comes again."""
    if feed.number(2):
        if world.evil.connected:
            world.evil.lose()
        world.evil = world.client(EVIL)
    else:
        if world.evil_upstream.connected:
            world.evil_upstream.lose()
        world.evil_upstream = world.upstream("ab"[feed.number(2)], EVIL)


STEPS_OF = (from_client, from_client, from_provider, answer, answer, told, acknowledge, wait, anew)


def innocent(world: Hostile) -> None:
    """The good account sends one message; its answer and its receipt come, and nothing else."""
    client, upstream = world.good, world.good_upstream
    world.number += 1
    number = world.number
    text = b"good %d" % number
    client.receive(submit(number, b"4520304050", short_message=text))
    (pdu,) = upstream.submits()
    assert text in pdu.raw, "another's message at the good provider"
    upstream.accept((pdu, b"good-%d" % (number % 8 + 10 * number)))
    ((sequence_number, status, _),) = client.responses()
    assert (sequence_number, status) == (number, 0), (sequence_number, status)
    upstream.receipt(b"good-%d" % (number % 8 + 10 * number), b"4520304050")
    found = deliveries(client)
    assert len(found) == 1, f"{len(found)} deliver_sm for the good account"
    assert b"DELIVRD" in found[0], found


def deliveries(client: FakeClient) -> list[bytes]:
    """What the good client was sent, acknowledged."""
    pdus = client.look(c.DELIVER_SM)
    client.acknowledge(pdus)
    others = [pdu for pdu in client.unseen if pdu.command_id != c.ENQUIRE_LINK]
    assert not others, others
    return [pdu.raw for pdu in pdus]
