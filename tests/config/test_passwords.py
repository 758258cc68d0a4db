"""What may stand as an account's password."""

import argon2
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config.passwords import trouble
from tests.config.files import HASH, SCRYPT

COSTS = "the {} string has costs out of bounds"
PART = "this is not a whole argon2id or scrypt string"
PLAIN = "this is not an argon2id or scrypt string (plain text is refused)"
TAIL = HASH.split("$", 4)[4]

WRONG = {
    "hunter2": PLAIN,
    "$2b$12$abcdefghijklmnopqrstuv": PLAIN,
    HASH[:-30]: PART,
    HASH + "=": PART,
    HASH + "AA": PART,
    HASH + "\n": PART,
    HASH.replace("argon2id", "argon2i"): PART,
    SCRYPT[:40]: PART,
    SCRYPT.replace("ln=14", "ln=x"): PART,
    f"$argon2id$v=19$m=9999999,t=2,p=1${TAIL}": COSTS.format("argon2id"),
    f"$argon2id$v=19$m=19456,t=21,p=1${TAIL}": COSTS.format("argon2id"),
    f"$argon2id$v=19$m=19456,t=0,p=1${TAIL}": COSTS.format("argon2id"),
    f"$argon2id$v=19$m=19456,t=2,p=0${TAIL}": COSTS.format("argon2id"),
    f"$argon2id$v=19$m=7,t=2,p=1${TAIL}": COSTS.format("argon2id"),
    SCRYPT.replace("ln=14", "ln=20"): COSTS.format("scrypt"),
    SCRYPT.replace("ln=14", "ln=0"): COSTS.format("scrypt"),
    SCRYPT.replace("r=8", "r=0"): COSTS.format("scrypt"),
    SCRYPT.replace("p=1", "p=99"): COSTS.format("scrypt"),
}


class PasswordFormTest(SynchronousTestCase):
    """The form alone; nothing is computed."""

    def test_mg13_good(self) -> None:
        """argon2id strings of any library and scrypt strings are fine."""
        made = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("x")
        for stored in (HASH, SCRYPT, made):
            self.assertEqual(trouble(stored), "")

    def test_mg13_bad(self) -> None:
        """Plain text, other hashes, cut strings and costs that would stop the node are refused."""
        for stored, said in WRONG.items():
            self.assertEqual(trouble(stored), said, stored)
