"""What operators want of providers, hosts and binds."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.providers import STATES, Host, Provider
from smppproxy.routing.states import UP, States, Wish, key_of, strictest, wishes_of

NODES = st.sampled_from(["", "here", "there"])
WISHES = st.dictionaries(
    st.tuples(NODES, st.just("acme"), st.sampled_from(["", "a", "b"]), st.sampled_from(["", "1"])),
    st.sampled_from(STATES),
)


def provider(state: str = UP, of_a: str = UP) -> Provider:
    """The provider acme with hosts a and b."""
    hosts = (Host("a", "a.example.net", 2775, state=of_a), Host("b", "b.example.net", 2775))
    return Provider("acme", hosts, b"us", b"secret", state=state)


CASES: tuple[tuple[dict[Wish, str], str, str, str], ...] = (
    # wishes -> what holds of the provider, of acme/a/1, of acme/b/1
    ({}, "up", "up", "up"),
    ({("", "acme", "", ""): "isolate"}, "isolate", "isolate", "isolate"),
    ({("", "acme", "a", ""): "drain"}, "up", "drain", "up"),
    ({("", "acme", "a", "1"): "down"}, "up", "down", "up"),
    ({("", "acme", "a", "2"): "down"}, "up", "up", "up"),
    ({("", "acme", "", ""): "drain", ("", "acme", "a", ""): "isolate"}, "drain", "drain", "drain"),
    ({("", "acme", "a", ""): "isolate", ("", "acme", "a", "1"): "down"}, "up", "down", "up"),
    ({("here", "acme", "b", ""): "down"}, "up", "up", "down"),
    ({("there", "acme", "b", ""): "down"}, "up", "up", "up"),
    ({("", "acme", "b", ""): "up", ("here", "acme", "b", ""): "drain"}, "up", "up", "drain"),
    ({("", "other", "", ""): "down"}, "up", "up", "up"),
)


class StatesTests(SynchronousTestCase):
    """One node's view."""

    def test_table(self) -> None:
        """The strictest holds of what is wanted of bind, host and provider, here and everywhere."""
        for wishes, whole, of_a, of_b in CASES:
            states = States("here")
            states.take(wishes)
            found = states.of("acme"), states.of("acme", "a", "1"), states.of("acme", "b", "1")
            self.assertEqual(found, (whole, of_a, of_b), wishes)

    def test_the_file_begins(self) -> None:
        """What the network file says holds until an operator says something of that very place."""
        states = States("here")
        states.use({"acme": provider("isolate", "down")})
        self.assertEqual(states.of("acme", "b"), "isolate")
        self.assertEqual(states.of("acme", "a"), "down")
        states.take({("", "acme", "", ""): "up"})
        self.assertEqual((states.of("acme", "b"), states.of("acme", "a")), ("up", "down"))
        states.take({("", "acme", "a", ""): "up"})
        self.assertEqual((states.of("acme", "b"), states.of("acme", "a")), ("isolate", "isolate"))
        states.use({})
        self.assertEqual(states.of("acme", "a"), "up")

    def test_take_tells_news(self) -> None:
        """Only what concerns this node and is new is worth a look at every bind."""
        states = States("here")
        wishes: dict[Wish, str] = {("", "acme", "", ""): "drain"}
        self.assertTrue(states.take(wishes))
        self.assertFalse(states.take({**wishes, ("there", "acme", "", ""): "down"}))
        self.assertTrue(states.take({}))

    def test_needless(self) -> None:
        """Nothing is kept for what holds anyway; an "up" against the file is kept."""
        states = States("here")
        states.use({"acme": provider("isolate")})
        for wish, state, needless in (
            (("", "acme", "", ""), "isolate", True),
            (("", "acme", "", ""), "up", False),
            (("", "acme", "a", ""), "up", True),
            (("", "acme", "a", ""), "drain", False),
            (("here", "acme", "", ""), "up", True),
            (("here", "acme", "", ""), "isolate", False),
        ):
            self.assertEqual(states.needless(wish, state), needless, (wish, state))

    @given(WISHES)
    def test_more_is_never_less_strict(self, wishes: dict[Wish, str]) -> None:
        """What holds of a bind is at least as strict as what holds of its host and provider."""
        states = States("here")
        states.take(wishes)
        whole, host, bind = (
            STATES.index(states.of("acme", *place)) for place in ((), ("a",), ("a", "1"))
        )
        self.assertTrue(whole <= host <= bind)

    @given(WISHES)
    def test_kept_and_read(self, wishes: dict[Wish, str]) -> None:
        """What the store keeps is read as it was written."""
        kept = {key_of(wish): state.encode() for wish, state in wishes.items()}
        self.assertEqual(wishes_of(kept), wishes)

    def test_what_cannot_be_read(self) -> None:
        """Another version's, or nobody's: left out, nothing fails."""
        good = key_of(("", "acme", "", ""))
        kept = {good: b"maybe", b"\0\xff\0\0": b"up", b"one\0two": b"up", b"\0b\0\0": b"\xff"}
        self.assertEqual(wishes_of(kept), {})
        self.assertEqual(wishes_of({good: b"drain"}), {("", "acme", "", ""): "drain"})

    def test_accounts(self) -> None:
        """An account that is drained, here or everywhere, is barred; it is no provider's host."""
        states = States("here")
        states.take(
            {
                ("", "", "shop", ""): "drain",
                ("there", "", "bank", ""): "drain",
                ("here", "", "club", ""): "drain",
                ("", "", "open", ""): "up",
                ("", "acme", "a", ""): "drain",
            }
        )
        self.assertEqual(states.barred, {"shop", "club"})
        self.assertEqual((states.of("", "shop"), states.of("", "a")), ("drain", "up"))

    def test_strictest(self) -> None:
        """up, isolate, drain, down: each stricter than the one before."""
        self.assertEqual(strictest([]), "up")
        for place, state in enumerate(STATES):
            self.assertEqual(strictest(STATES[: place + 1]), state)

    def test_a_worker_follows_its_node(self) -> None:
        """What is wanted on the node is wanted of each of its workers, and of no other's."""
        states = States("n1.2")
        states.whole = "n1"
        states.take({("n1", "acme", "", ""): "drain", ("n2", "acme", "a", ""): "down"})
        self.assertEqual(states.of("acme", "a", "1"), "drain")
        states.take({("n1.2", "acme", "a", ""): "down", ("n1", "acme", "", ""): "isolate"})
        self.assertEqual(states.of("acme", "a"), "down")
        self.assertEqual(states.of("acme", "b"), "isolate")
