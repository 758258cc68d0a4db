"""What routes say, in the journey of a submit_sm."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.routes import Route, Target
from tests.support.memory_peers import World, fields_of, make_account, make_provider, submit

TO_P = (Target("p"),)


class DenyTests(SynchronousTestCase):
    """Routes that refuse."""

    def test_a_route_denies_with_its_own_status(self) -> None:
        """Only what fits it is denied, counted under a name of its own, and sent nowhere."""
        routes = [Route("no", prefixes=("4590",), deny=0x66), Route("all", targets=TO_P)]
        world = World(routes=routes)
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1, b"4590123456"), submit(2, b"4520123456"))
        self.assertEqual([(1, 0x66, b"")], client.responses())
        self.assertEqual(1, len(upstream.submits()))
        self.assertEqual((1, 2), (world.ledger.refused, world.ledger.submitted))

    def test_an_account_may_say_it_otherwise(self) -> None:
        """``errors`` of the account has the last word about the number."""
        world = World([make_account(errors={"denied": 0x45})], routes=[Route("no", deny=0x66)])
        client = world.client()
        client.receive(submit(1))
        self.assertEqual([(1, 0x45, b"")], client.responses())

    def test_a_provider_that_the_message_selects_does_not_help(self) -> None:
        """OZ-09: service_type selects a provider, a route that denies is asked all the same."""
        account = make_account(service_types={"1": "p", "": ""})
        world = World([account], routes=[Route("no", deny=0x66)])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1, service_type=b"1"))
        self.assertEqual([(1, 0x66, b"")], client.responses())
        self.assertEqual([], upstream.submits())


class ConditionTests(SynchronousTestCase):
    """Routes that ask for more than account and destination."""

    def test_by_text_and_by_source(self) -> None:
        """Codes go to one provider, what comes from one sender to another, all else to a third."""
        providers = [make_provider(name) for name in "abc"]
        routes = [
            Route("codes", text=(r"\bcode \d{4}",), targets=(Target("a"),)),
            Route("1204", sources=frozenset({"1204"}), targets=(Target("b"),)),
            Route("rest", targets=(Target("c"),)),
        ]
        world = World(providers=providers, routes=routes)
        client = world.client()
        upstreams = [world.upstream(provider=name) for name in "abc"]
        client.receive(
            submit(1, short_message=b"your code 1234"),
            submit(2, source_addr=b"1204"),
            submit(3, source_addr=b"1205"),
        )
        got = [[fields_of(pdu).source_addr for pdu in each.submits()] for each in upstreams]
        self.assertEqual([1, 1, 1], [len(each) for each in got])
        self.assertEqual(([b"1204"], [b"1205"]), (got[1], got[2]))

    def test_by_message_class_of_the_account(self) -> None:
        """The class that the account's rules take out of its TLV is known to routes."""
        account = make_account(message_classes={"premium": "", "plain": ""},
                               default_message_class="plain")  # fmt: skip
        routes = [
            Route("premium", message_classes=frozenset({"premium"}), targets=(Target("a"),)),
            Route("plain", message_classes=frozenset({"plain"}), targets=(Target("b"),)),
        ]
        world = World([account], [make_provider("a"), make_provider("b")], routes)
        client = world.client()
        a, b = world.upstream(provider="a"), world.upstream(provider="b")
        client.receive(submit(1, tlvs=[(0x2900, b"premium")]), submit(2))
        self.assertEqual((1, 1), (len(a.submits()), len(b.submits())))
