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

What a message that goes well leaves is one row per read, in columns: the first of each belong
together, and so on, so that neither side takes each message in hand. Where it says *or one*, a
column with the same value throughout is that value; the last one never is.

* ``ACCEPTED``: now, who (or one), bind (or one), route (or one), arrived (or one), None or
  ((attempts, skipped, text or None), ...), sequence_number, origin, the ids it was given
* ``RECEIPTS``: now, bind, sequence_number, outcome (or one), account (or one), client_message_id,
  receipt record, destination
* ``DELIVERED``: now, who, sequence_number, attempts (or one), origin, receipt record: receipts that
  were taken
* ``ANSWERED``: now, who, ((sequence_number, command_status, whether generic_nack, attempts, origin,
  record), ...): any deliveries
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
    ANSWERED,
    MESSAGES,
) = range(15)
