"""What the lines of one read of rows are written on, and what all kinds of them need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from smppproxy.admin.message_log.kept import Kept
from smppproxy.admin.message_log.parties import Parties
from smppproxy.admin.message_log.pieces import EVENT, inside, mask
from smppproxy.admin.message_log.tally import Tally

Row = Sequence[Any]
Column = Sequence[Any]
Pair = tuple[bytes, bytes]

NO_IDS = (b"", b"")


class Sheet:
    """Lines, and what they are made with.

    :ivar lines: so far, each with its newline.
    :ivar began: unix seconds at which the monotonic clock stood at 0.
    """

    def __init__(self, node: str, tally: Tally) -> None:
        self.parties = Parties(node)
        self.kept = Kept()
        self.tally = tally
        self.lines: list[bytes] = []
        self.began = 0.0

    def write(
        self,
        at: bytes,
        event: bytes,
        who: bytes,
        sequence_number: int,
        status: bytes,
        ids: Pair,
        place: bytes,
        numbers: Pair,
        masked: bool,
        rest: bytes,
    ) -> None:
        """One line of any kind."""
        source, destination = numbers
        if masked:
            source, destination = mask(source), mask(destination)
        self.lines.append(
            EVENT
            % (
                at,
                event,
                who,
                sequence_number,
                status,
                inside(ids[0]),
                inside(ids[1]),
                place,
                inside(source),
                inside(destination),
                rest,
            )
        )


def column(values: Any, count: int) -> Column:
    """A column of a row, also where all of it is one value."""
    return values if isinstance(values, tuple) else (values,) * count


def grouped(owners: Column, numbers: Sequence[bytes]) -> Iterable[tuple[Any, Sequence[bytes]]]:
    """The numbers of each owner."""
    if owners.count(owners[0]) == len(owners):
        return [(owners[0], numbers)]
    found: dict[Any, list[bytes]] = {owner: [] for owner in owners}
    for owner, number in zip(owners, numbers, strict=True):
        found[owner].append(number)
    return found.items()


def masked_where(hidden: Sequence[bool], numbers: Sequence[bytes]) -> Sequence[bytes]:
    """Numbers, some of them masked."""
    return [mask(each) if hide else each for hide, each in zip(hidden, numbers, strict=True)]
