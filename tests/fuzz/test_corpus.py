"""Every target with its corpus, with variants of it, and with random octets: a short run of what
``python -m tests.fuzz`` does for hours, without its compiled fuzzer."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz.__main__ import count, counted, names, table
from tests.fuzz.corpus import FOLDER, inputs
from tests.fuzz.targets import TARGETS

VARIANTS = 150
"""Of each target; a slow one makes fewer."""

SECONDS = 3.0
"""For the variants of one target."""

HANG = 5.0
"""Seconds of the processor's time that one input may take."""

LONGER = {"journeys": 25.0}
"""The same for an input that is many: dozens of writes, and minutes of a node's timers."""

INTERESTING = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x10", b"\xff\xff", b"[", b"=", b"\"")


def variant(chance: random.Random, corpus: list[bytes]) -> bytes:
    """Octets like those of the corpus, changed in a few places; or any."""
    if not chance.randrange(8):
        return chance.randbytes(chance.randrange(400))
    octets = bytearray(chance.choice(corpus))
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(octets) + 1)
        what = chance.randrange(5)
        if what == 0:
            octets[at : at + 1] = chance.randbytes(1)
        elif what == 1:
            octets[at:at] = chance.choice(INTERESTING)
        elif what == 2:
            del octets[at : at + chance.randrange(1, 16)]
        elif what == 3:
            other = chance.choice(corpus)
            start = chance.randrange(len(other) + 1)
            octets[at:at] = other[start : start + chance.randrange(1, 64)]
        else:
            octets[at:at] = octets[at : at + chance.randrange(1, 64)] * chance.randrange(1, 4)
    return bytes(octets)


class CorpusTests(SynchronousTestCase):
    """No crash, no hang."""

    def test_every_target_has_a_corpus(self) -> None:
        """And each corpus has a target; together they have a few kilobytes."""
        self.assertEqual(names(), sorted(TARGETS))
        self.assertTrue(all(inputs(name) for name in TARGETS))
        self.assertLess(sum(path.stat().st_size for path in FOLDER.glob("*.txt")), 60_000)

    def test_inputs_are_counted(self) -> None:
        """By target, over all runs, and in all."""
        folder = Path(self.mktemp())
        self.assertEqual({}, counted(folder))
        for target, tried in (("tlvs", 1_000_000), ("framing", 5), ("tlvs", 234_567)):
            count(target, tried, folder)
        self.assertEqual({"tlvs": 1_234_567, "framing": 5}, counted(folder))
        told = [line.split() for line in table(counted(folder)).splitlines()]
        self.assertEqual([["framing", "5"], ["tlvs", "1,234,567"], ["all", "1,234,572"]], told)

    def tried(self, name: str, octets: bytes) -> None:
        """One input."""
        began = time.process_time()
        try:
            TARGETS[name](octets)
        except Exception as error:
            error.add_note(f"the target {name}, with the input {octets!r}")
            raise
        took = time.process_time() - began
        self.assertLess(took, LONGER.get(name, HANG), f"{name} hangs on {octets!r}")


def _test(name: str) -> Any:
    def test(self: CorpusTests) -> None:
        corpus = inputs(name)
        for octets in corpus:
            self.tried(name, octets)
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        until = time.monotonic() + SECONDS
        for _ in range(VARIANTS):
            if time.monotonic() > until:
                break
            self.tried(name, variant(chance, corpus))

    test.__doc__ = f"{name}: {(TARGETS[name].__doc__ or '').strip()}"
    return test


for _name in TARGETS:
    setattr(CorpusTests, f"test_{_name}", _test(_name))
