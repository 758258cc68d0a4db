"""Passwords of accounts: argon2id or scrypt strings, made here and checked here (MG-13).

Both forms carry their own parameters and salt: ``$argon2id$v=19$m=65536,t=3,p=4$SALT$HASH`` and
``$scrypt$ln=14,r=8,p=1$SALT$HASH`` (base64 without padding). Checking costs tens of
milliseconds on purpose, so it never runs on the reactor's thread (F46).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode

import attrs
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHash, VerifyMismatchError

SALT_OCTETS = 16
HASH_OCTETS = 32
MAX_MEMORY = 256 * 1024 * 1024
"""Octets a scrypt string may ask for; a stranger's string must not take the machine down."""

_SCRYPT = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([^$]+)\$([^$]+)")
_ARGON2 = re.compile(r"(\$argon2id?\$v=\d+\$m=\d+,t=\d+,p=\d+)\$([^$]+)\$([^$]+)")
_hasher = PasswordHasher()


class PasswordFormError(ValueError):
    """The string is neither an argon2 nor a scrypt string that can be checked."""


@attrs.define
class _Scrypt:
    log_n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    def derive(self, secret: bytes) -> bytes:
        return hashlib.scrypt(
            secret,
            salt=self.salt,
            n=1 << self.log_n,
            r=self.r,
            p=self.p,
            maxmem=MAX_MEMORY,
            dklen=len(self.digest),
        )


def hash_password(secret: bytes, form: str = "argon2id") -> str:
    """The string to put into the network file.

    :param form: ``"argon2id"`` or ``"scrypt"``.
    """
    if form == "argon2id":
        return _hasher.hash(secret)
    scrypt = _Scrypt(14, 8, 1, secrets.token_bytes(SALT_OCTETS), bytes(HASH_OCTETS))
    digest = scrypt.derive(secret)
    return f"$scrypt$ln=14,r=8,p=1${_text(scrypt.salt)}${_text(digest)}"


def verify_password(stored: str, secret: bytes) -> bool:
    """Whether ``secret`` is the password behind ``stored``; takes its time, never on the reactor.

    :raises PasswordFormError: the string cannot be read.
    """
    if stored.startswith("$scrypt$"):
        scrypt = _read_scrypt(stored)
        return hmac.compare_digest(scrypt.derive(secret), scrypt.digest)
    try:
        return _hasher.verify(stored, secret)
    except VerifyMismatchError:
        return False
    except (Argon2Error, InvalidHash, UnicodeError) as error:
        raise PasswordFormError("not an argon2 or scrypt string") from error


def decoy(model: str) -> str:
    """A string that costs as much to check as ``model`` and that no password opens (F43)."""
    match = _ARGON2.fullmatch(model)
    if match:
        noise = [_text(secrets.token_bytes(len(_octets(part)))) for part in match.group(2, 3)]
        return "$".join((match.group(1), *noise))
    try:
        scrypt = _read_scrypt(model)
    except PasswordFormError:
        return hash_password(secrets.token_bytes(HASH_OCTETS))
    salt, digest = (secrets.token_bytes(len(part)) for part in (scrypt.salt, scrypt.digest))
    return f"$scrypt$ln={scrypt.log_n},r={scrypt.r},p={scrypt.p}${_text(salt)}${_text(digest)}"


def _read_scrypt(stored: str) -> _Scrypt:
    match = _SCRYPT.fullmatch(stored)
    if match is None:
        raise PasswordFormError("not an argon2 or scrypt string")
    log_n, r, p = (int(part) for part in match.group(1, 2, 3))
    try:
        salt, digest = _octets(match.group(4)), _octets(match.group(5))
    except ValueError as error:
        raise PasswordFormError("scrypt string with bad base64") from error
    if not digest or not 1 <= log_n <= 20 or not r or not p or 130 * r << log_n > MAX_MEMORY:
        raise PasswordFormError("scrypt string with parameters out of bounds")
    return _Scrypt(log_n, r, p, salt, digest)


def _text(octets: bytes) -> str:
    return b64encode(octets).decode("ascii").rstrip("=")


def _octets(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
