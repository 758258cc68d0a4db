"""What the lines of one read of rows are written on, and what all kinds of them need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from smppproxy.admin.message_log.kept import Kept
from smppproxy.admin.message_log.parties import OFF, Parties, Rules
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

    def line(
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
    ) -> bytes:
        """One line of any kind."""
        source, destination = numbers
        if masked:
            source, destination = mask(source), mask(destination)
        return EVENT % (
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

    def ruled(
        self, accounts: Sequence[str], lines: Iterable[bytes], rules: Mapping[str, Rules]
    ) -> list[bytes]:
        """Lines of these accounts; b"" in place of those that leave none."""
        if any([mode == OFF for mode, _ in rules.values()]):
            return [
                line if rules[account][0] != OFF else b""
                for line, account in zip(lines, accounts, strict=True)
            ]
        return [*lines]

    def masked(
        self, accounts: Sequence[str], numbers: Sequence[bytes], rules: Mapping[str, Rules]
    ) -> Sequence[bytes]:
        """Numbers of these accounts' messages, as they want them."""
        if any([masked for _, masked in rules.values()]):
            return [
                mask(number) if rules[account][1] else number
                for number, account in zip(numbers, accounts, strict=True)
            ]
        return numbers

    def rules(self, accounts: Iterable[str]) -> dict[str, Rules]:
        """What each of them wants."""
        return {account: self.parties.rules(account) for account in set(accounts)}


class Writer:
    """Makes lines of some kinds of rows.

    :ivar makers: by kind of row, those that make the lines of one row.
    """

    makers: dict[int, Callable[[Row], None]]

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._kept, self._tally = sheet.kept, sheet.tally
        parties = self._parties = sheet.parties
        self._clients, self._binds = parties.clients, parties.binds


def column(values: Any, count: int) -> Column:
    """A column of a row, also where all of it is one value."""
    return values if isinstance(values, tuple) else (values,) * count


def gather(columns: Sequence[list[Any]], values: Sequence[Any], count: int) -> None:
    """Put a row's columns, each as :func:`column` has it, behind these."""
    for whole, part in zip(columns, values, strict=True):
        whole += part if isinstance(part, tuple) else (part,) * count


def grouped(owners: Column, numbers: Sequence[bytes]) -> Iterable[tuple[Any, Sequence[bytes]]]:
    """The numbers of each owner."""
    if owners.count(owners[0]) == len(owners):
        return [(owners[0], numbers)]
    found: dict[Any, list[bytes]] = {owner: [] for owner in owners}
    for owner, number in zip(owners, numbers, strict=True):
        found[owner].append(number)
    return found.items()
