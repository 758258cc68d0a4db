"""Maps that a process has just recorded."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.store import known as known_maps
from smppproxy.store.known import Known

HEAD = b"\x04\x00\x00\x03\xe8"


class KnownTests(SynchronousTestCase):
    """What is known, and for how long."""

    def test_each_is_known_once(self):
        """A map is as the server has it; taken, it is known no more."""
        known = Known()
        known.add(b"north", [b"1", b"2"], 1000, [b"one", b"two"])
        asked = [b"2", b"3", b"1"]
        self.assertEqual(known.take(b"north", asked), [HEAD + b"two", None, HEAD + b"one"])
        self.assertEqual(known.take(b"north", asked), [None] * 3)

    def test_f74_providers_have_ids_of_their_own(self):
        """The same id of two providers is two maps; a provider without any has none."""
        known = Known()
        known.add(b"north", [b"1"], 1000, [b"one"])
        known.add(b"south", [b"1"], 1000, [b"uno"])
        self.assertEqual(known.take(b"east", [b"1"]), [None])
        self.assertEqual(known.take(b"south", [b"1"]), [HEAD + b"uno"])
        self.assertEqual(known.take(b"north", [b"1"]), [HEAD + b"one"])

    def test_l4_the_newest_are_kept(self):
        """However many come, and of whomever: the newest are known, and at most twice as many and
        one call's more.
        """
        self.patch(known_maps, "MOST", 100)
        known = Known()
        ids = [b"%d" % each for each in range(1000)]
        for at in range(0, 1000, 10):
            provider = b"north" if at % 20 else b"south"
            known.add(provider, ids[at : at + 10], 1000, [b"map"] * 10)
        found = known.take(b"north", ids), known.take(b"south", ids)
        places = [at for at in range(1000) if found[0][at] or found[1][at]]
        self.assertEqual(places, list(range(places[0], 1000)))
        self.assertTrue(100 <= len(places) <= 200)
