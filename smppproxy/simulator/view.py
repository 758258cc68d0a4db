"""The demo on a terminal, and its one line per second where there is none. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

#: Events shown; older ones scroll away.
EVENTS = 6

SUBMITS = ("submitted", "accepted", "refused", "in_flight", "in_doubt", "resent")
RECEIPTS = ("receipts_in", "matched", "parked", "duplicated", "delivered", "queued")


@define
class HostRow:
    """One host of a provider: its binds as the node sees them, and what it took."""

    provider: str
    host: str
    up: bool
    states: Sequence[str]
    rate: float
    accepted: int

    @property
    def binds(self) -> str:
        """The binds' states, equal ones together: ``2 bound`` or ``1 bound, 1 connecting``."""
        seen: dict[str, int] = {}
        for state in self.states:
            seen[state] = seen.get(state, 0) + 1
        return ", ".join(f"{number} {state}" for state, number in seen.items()) or "none"


@define
class Picture:
    """What the demo shows at one moment. Rates are per second, latencies milliseconds."""

    elapsed: float
    duration: float
    hint: Sequence[str]
    hosts: Sequence[HostRow]
    clients: Mapping[str, int]
    submit_rate: float
    receipt_rate: float
    answer_ms: tuple[float, float]
    receipt_ms: tuple[float, float]
    ledger: Mapping[str, int]
    events: Sequence[str]


def line(picture: Picture) -> str:
    """The picture in one plain line."""
    hosts = "  ".join(
        f"{row.provider}/{row.host} {row.binds if row.up else 'down'} {row.rate:.0f}/s"
        for row in picture.hosts
    )
    ledger = picture.ledger
    return (
        f"{picture.elapsed:5.1f} s  {hosts}  receipts {picture.receipt_rate:.0f}/s  "
        f"p50 {picture.answer_ms[0]:.0f} p99 {picture.answer_ms[1]:.0f} ms  "
        f"accepted {ledger.get('accepted', 0)} delivered {ledger.get('delivered', 0)} "
        f"resent {ledger.get('resent', 0)} parked {ledger.get('parked', 0)}"
    )


def screen(picture: Picture) -> Panel:
    """The picture for a terminal."""
    title = f"smppproxy demo   {picture.elapsed:.0f} of {picture.duration:.0f} s"
    parts: list[RenderableType] = [
        Text("\n".join(picture.hint), style="dim"),
        _hosts(picture),
        _traffic(picture),
        _counts("messages", SUBMITS, picture.ledger),
        _counts("receipts", RECEIPTS, picture.ledger),
        Text("\n".join(picture.events[-EVENTS:]), style="yellow"),
    ]
    return Panel(Group(*parts), title=title, title_align="left", padding=(0, 1))


def _hosts(picture: Picture) -> Table:
    table = Table(expand=True, box=None, padding=(0, 2, 0, 0))
    table.add_column("provider/host")
    table.add_column("binds")
    table.add_column("messages/s", justify="right")
    table.add_column("", ratio=1)
    table.add_column("accepted", justify="right")
    most = max([row.rate for row in picture.hosts] + [1.0])
    for row in picture.hosts:
        name = f"{row.provider}/{row.host}"
        state = Text(row.binds, "green") if row.up else Text(f"down ({row.binds})", "bold red")
        bar = Text("█" * round(30 * row.rate / most), "cyan")
        table.add_row(name, state, f"{row.rate:.0f}", bar, f"{row.accepted:,}")
    return table


def _traffic(picture: Picture) -> Table:
    table = Table(expand=True, box=None, padding=(0, 2, 0, 0))
    for name in ("clients", "submits/s", "receipts/s", "answer p50/p99", "receipt p50/p99"):
        table.add_column(name, justify="left")
    clients = ", ".join(f"{name} {binds}" for name, binds in picture.clients.items())
    table.add_row(
        clients or "none",
        f"{picture.submit_rate:.0f}",
        f"{picture.receipt_rate:.0f}",
        "{:.1f} / {:.1f} ms".format(*picture.answer_ms),
        "{:.0f} / {:.0f} ms".format(*picture.receipt_ms),
    )
    return table


def _counts(title: str, names: Sequence[str], ledger: Mapping[str, int]) -> Table:
    table = Table(expand=True, box=None, padding=(0, 2, 0, 0))
    table.add_column(title, style="bold", width=10)
    for name in names:
        table.add_column(name, justify="right")
    table.add_row("", *(f"{ledger.get(name, 0):,}" for name in names))
    return table
