"""What may stand as an account's password: an argon2id or scrypt string, never the password.

Only the form is looked at here. `smppproxy password` makes argon2id strings, `wire` checks
passwords against them; scrypt strings ($scrypt$ln=,r=,p=) come from other systems.
"""

import re

_BASE64 = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3})?"
_ARGON2ID = re.compile(
    rf"\$argon2id\$v=19\$m=(\d{{1,9}}),t=(\d{{1,3}}),p=(\d{{1,2}})\$(?=.{{11}}){_BASE64}"
    rf"\$(?=.{{22}}){_BASE64}"
)
_SCRYPT = re.compile(
    rf"\$scrypt\$ln=(\d{{1,2}}),r=(\d{{1,2}}),p=(\d{{1,2}})\$(?=[^$]){_BASE64}\$(?=.{{22}}){_BASE64}"
)
_MEMORY = 256 << 20  # octets that one check may take: binds come by the hundred
_PASSES = 20


def trouble(stored: str) -> str:
    """What keeps `stored` from being a usable hash; "" when it is one. Never repeats it."""
    argon2id = _ARGON2ID.fullmatch(stored)
    if argon2id is not None:
        memory, passes, lanes = (int(part) for part in argon2id.groups())
        fine = 8 * lanes <= memory <= _MEMORY >> 10 and 1 <= passes <= _PASSES and lanes
        return "" if fine else "the argon2id string has costs out of bounds"
    scrypt = _SCRYPT.fullmatch(stored)
    if scrypt is not None:
        log2_cost, r, p = (int(part) for part in scrypt.groups())
        fine = 1 <= log2_cost <= 20 and r and 1 <= p <= _PASSES and 130 * r << log2_cost <= _MEMORY
        return "" if fine else "the scrypt string has costs out of bounds"
    if stored.startswith(("$argon2", "$scrypt")):
        return "this is not a whole argon2id or scrypt string"
    return "this is not an argon2id or scrypt string (plain text is refused)"
