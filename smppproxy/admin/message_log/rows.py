"""What is handed from the node to its scribe: one msgpack array per row, its kind first.

The node makes rows of what it has (``facts``), the scribe reads them (``lines``). Octets stay
octets, records stay packed; peers and accounts are told once, and then go by a number.

* ``CONFIG``: a dict, see ``scribe``; the first row of all
* ``TIME``: unix seconds at which the monotonic clock stood at 0; other rows have monotonic seconds
* ``CLIENT``: number, account, peer, session
* ``BIND``: number, provider, host, session, peer
* ``GONE``: numbers that mean nothing any more
* ``ACCOUNTS``: {name: (message_log, mask_numbers)}
* ``LOST``: how many rows are missing here: the scribe was too slow
* what follows is about messages; ``now`` is when, ``who`` and ``bind`` are such numbers (-1: none)
"""

from __future__ import annotations

(
    CONFIG,
    TIME,
    CLIENT,
    BIND,
    GONE,
    ACCOUNTS,
    LOST,
    ACCEPTED,
    REFUSED,
    UNDECIDED,
    RECEIPTS,
    NAMELESS,
    DELIVERED,
    MESSAGES,
) = range(14)
