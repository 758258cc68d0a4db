"""`smppproxy tap`: the PDUs of a bind, an account or a number while they pass."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from datetime import datetime
from typing import Any, BinaryIO

import click

from smppproxy.cli.door import Door, Refused, options
from smppproxy.cli.pcap import Pcap
from smppproxy.cli.tables import console

Row = dict[str, Any]


@click.command()
@click.argument("target")
@click.option("--text", is_flag=True,
              help="Show what messages say, and all numbers; for the role admin.")  # fmt: skip
@click.option("--pcap", "capture", type=click.File("wb"), metavar="FILE",
              help="Write a capture for Wireshark too; - is standard output.")  # fmt: skip
@click.option("--seconds", type=click.IntRange(0, 86_400), metavar="N", help="End after so long.")
@click.option("--count", type=click.IntRange(0), metavar="N", help="End after so many PDUs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@options
def tap(
    door: Door, target: str, text: bool, capture: BinaryIO | None, seconds: int | None,
    count: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Look at the PDUs of a bind, an account or a number while they pass, until Ctrl-C.

    TARGET is acme, acme/a, acme/a/2, account:shop, account:shop#17 or number:4512345678; what the
    node that is asked carries of it. Passwords are never shown, what messages say is starred out.
    Nothing that passes waits for it: what there is no time to show is only counted.

    \b
    smppproxy tap acme/a
    smppproxy tap number:4512345678 --text --count 20
    smppproxy tap account:shop --pcap shop.pcap
    smppproxy tap acme --pcap - | wireshark -k -i -
    """
    _tell_elsewhere(door, target)
    rows = door.stream("/tap", target=target, text=text or None, seconds=seconds, count=count)
    with ExitStack() as stack, suppress(KeyboardInterrupt):
        pcap = None
        if capture is not None:
            pcap = Pcap(stack.enter_context(capture))
        quiet = capture is not None and capture.name == "<stdout>"
        for row in rows:
            if pcap is not None:
                _write(pcap, row)
            if not quiet:
                _print(row, as_json)


def _tell_elsewhere(door: Door, target: str) -> None:
    """Whose sessions are on other nodes only is told where to look."""
    kind, _, name = target.rpartition(":")
    if kind == "number":
        return
    try:
        answer = door.get("/show/binds", name=name)
    except Refused:
        return
    here = answer["node"]
    nodes = sorted({row["node"] for row in answer["rows"]})
    # A node hears its workers, which are called NODE.1 and so on.
    if nodes and not any(node == here or node.startswith(f"{here}.") for node in nodes):
        where = ", ".join(nodes)
        click.echo(f"{target} is on {where}, not on {answer['node']}: ask there, --admin", err=True)


def _write(pcap: Pcap, row: Row) -> None:
    """A client speaks to us as to an SMSC; towards a provider we are the client."""
    to_smsc = (row["side"] == "account") == (row["direction"] == "in")
    moment = datetime.fromisoformat(row["time"]).timestamp()
    # A client's session gets its account's name when it is bound; its number stays.
    pcap.add(row["session"].rpartition("#")[2], to_smsc, bytes.fromhex(row["octets"]), moment)


def _print(row: Row, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(row))
        return
    from rich.text import Text

    line = Text()
    if row["dropped"]:
        line.append(f"({row['dropped']} not shown)\n", "yellow")
    line.append(row["time"][11:23] + " ", "dim")
    line.append(row["session"])
    line.append(" >> " if row["direction"] == "out" else " << ", "bold")
    line.append(row["command"], "cyan")
    status = row["command_status"]
    if status != "ESME_ROK":
        line.append(f" {status}", "bold red")
    line.append(f" #{row['sequence_number']}", "dim")
    for name, value in row["fields"].items():
        shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
        line.append(f" {name}=", "dim")
        line.append(shown if name != "text" else json.dumps(value, ensure_ascii=False))
    console().print(line, soft_wrap=True)
