"""``smppproxy log``: log more or less of a part of the program while it works."""

from __future__ import annotations

import click

from smppproxy.cli.door import Door, options
from smppproxy.cli.verbs import tell
from smppproxy.words import CONFIGURED, EVERYTHING, LOG_LEVELS, LOG_ROOMS


@click.command("log")
@options
@click.option("--json", "as_json", is_flag=True, help="One JSON array of what was done.")
@click.option("--node", metavar="NAME", help="Only on this node, instead of on all.")
@click.argument("room", type=click.Choice([EVERYTHING, *LOG_ROOMS]))
@click.argument("level", type=click.Choice([*LOG_LEVELS, CONFIGURED]))
def log(door: Door, room: str, level: str, node: str | None, as_json: bool) -> None:
    """Log more or less of a part of the program, on every node, until it ends.

    \b
    smppproxy log wire debug            every session's coming and going
    smppproxy log all warn --node n2    less of everything, there
    smppproxy log wire configured       as the node file says, again
    smppproxy show logs                 what holds now
    """
    tell(door.post("/log", room=room, level=level, node=node), as_json)
