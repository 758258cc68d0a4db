"""`smppproxy replay`: look again for the owners of what has none."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from smppproxy.cli.door import Door, options
from smppproxy.words import STRAYS, UNROUTED

if TYPE_CHECKING:
    _Type = click.ParamType[str]
else:
    # Older releases of click cannot be asked what their types give.
    _Type = click.ParamType

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Moment(_Type):
    """A time: ``2026-12-24T18:00:00Z``, or how long ago: ``90s``, ``30m``, ``2h``, ``3d``."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> str:
        """As the admin door takes it."""
        ago = re.fullmatch(r"(\d{1,9})([smhd])", value)
        if ago is not None:
            seconds = time.time() - int(ago[1]) * _UNITS[ago[2]]
            if seconds >= 0:
                return datetime.fromtimestamp(int(seconds), UTC).isoformat()
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is no time; write 2026-12-24T18:00:00Z, or 2h for two hours ago")
        return moment.replace(tzinfo=moment.tzinfo or UTC).isoformat()


MOMENT = Moment()


@click.command()
@click.argument("kind", type=click.Choice([*STRAYS, UNROUTED]))
@click.option("--provider", metavar="NAME", help="Only its own.")
@click.option("--since", type=MOMENT, help="Only what arrived then or later; 2h: two hours ago.")
@click.option("--until", type=MOMENT, help="Only what arrived before.")
@click.option("--id", "entry_id", metavar="ID", help="Only this one, as show tells it.")
@click.option("--number", metavar="DIGITS", help="Only of this number, or of one that ends so.")
@click.option("--dry-run", is_flag=True, help="Only say what would be found.")
@click.option("--force", is_flag=True,
              help="Give one receipt to the message of its id, whatever its number.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@options
def replay(
    door: Door, kind: str, entry_id: str | None, dry_run: bool, force: bool, as_json: bool,
    **where: Any,
) -> None:  # fmt: skip
    """Look again for the owners of receipts, or of MO messages for nobody.

    By the settings of now: mend the provider's ids or the routes, then replay. What finds its owner
    is delivered as if it had just come; what does not stays where it is.

    \b
    smppproxy replay quarantine --dry-run
    smppproxy replay orphans --provider acme --since 2h
    smppproxy replay unrouted --number 1234
    """
    answer = door.post(
        "/replay", kind=kind, id=entry_id, dry_run=dry_run or None, force=force or None, **where
    )
    if as_json:
        click.echo(json.dumps(answer["counts"], indent=1))
        return
    counts = {name: count for name, count in answer["counts"].items() if count}
    selected = counts.pop("selected", 0)
    looked = counts.pop("looked", 0)
    told = ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing to do"
    would = "would be: " if answer["dry_run"] else ""
    click.echo(f"{selected} of {looked} {kind}: {would}{told}")
