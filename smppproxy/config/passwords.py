"""Account passwords: the two forms of hash that a network file may hold, and their check.

argon2id strings are made by `smppproxy password`; scrypt strings ($scrypt$ln=,r=,p=) come from
other systems. Neither is ever reversed, and a password in plain text is refused.
"""

import base64
import binascii
import hashlib
import hmac
import re

import argon2

_ARGON2ID = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,3}),p=\d{1,3}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}"
)
_SCRYPT = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]{22,})"
)
_MEMORY_KIB = 1 << 20  # argon2id: 1 GiB
_ROUNDS = 50
_LOG2_COST = 20  # scrypt: 1 GiB with r = 8
_MEMORY = 2 << 30

#: What `make` spends: about 20 ms and 19 MiB a time, so that 10,000 binds after a restart end soon.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def trouble(stored: str) -> str:
    """What keeps `stored` from being a usable hash; "" when it is one. Never repeats it."""
    argon = _ARGON2ID.fullmatch(stored)
    if argon is not None:
        costly = int(argon[1]) > _MEMORY_KIB or int(argon[2]) > _ROUNDS
        return "the argon2id string asks for too much memory or time" if costly else ""
    scrypt = _SCRYPT.fullmatch(stored)
    if scrypt is not None:
        costly = int(scrypt[1]) > _LOG2_COST or int(scrypt[2]) * int(scrypt[3]) > 64
        return "the scrypt string asks for too much memory or time" if costly else ""
    if stored.startswith("$"):
        return "this is not a whole argon2id or scrypt string"
    return "the password stands here in plain text"


def make(password: bytes) -> str:
    """The argon2id string to put into a network file."""
    return _HASHER.hash(password)


def verify(stored: str, password: bytes) -> bool:
    """Whether `password` is the one `stored` was made of. Slow by design: not on the reactor."""
    scrypt = _SCRYPT.fullmatch(stored)
    if scrypt is not None:
        return _verify_scrypt(scrypt, password)
    try:
        return _HASHER.verify(stored, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _verify_scrypt(found: re.Match[str], password: bytes) -> bool:
    try:
        salt, wanted = _unpadded(found[4]), _unpadded(found[5])
        made = hashlib.scrypt(
            password,
            salt=salt,
            n=1 << int(found[1]),
            r=int(found[2]),
            p=int(found[3]),
            maxmem=_MEMORY,
            dklen=len(wanted),
        )
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(made, wanted)


def _unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
