"""`smppproxy show`: what the product knows, as tables or JSON."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import click

from smppproxy.admin.catalogue import VIEWS, View
from smppproxy.admin.vocabulary import MOST_ROWS, USUAL_ROWS
from smppproxy.cli.door import Door, Refused, options
from smppproxy.cli.tables import console, print_rows, print_table, table_of


@click.group()
def show() -> None:
    """Print what the product knows, as a table or with --json.

    \b
    smppproxy show binds acme/a         the binds to one host, on every node
    smppproxy show accounts --watch     again every two seconds
    smppproxy show ledger --json        for programs
    """


EXAMPLES = {
    "binds": ("acme/a", "--watch"),
    "providers": ("--wide", "--sum --watch"),
    "hosts": ("acme", "--json"),
    "accounts": ("shop", "--sum --watch"),
    "queues": ("shop", "--watch"),
    "inflight": ("shop", "acme/a"),
    "parked": ("acme", "--limit 20"),
    "orphans": ("quarantine", "acme --wide"),
    "unrouted": ("4512345678", "--json"),
    "ledger": ("--watch", "--json"),
    "nodes": ("--wide", "--watch"),
    "routes": ("everything",),
    "budgets": ("account:shop", "--sum"),
    "quality": ("acme", "--watch"),
    "logs": ("--node n2",),
    "config": ("account.shop", "node --json"),
}
"""What follows the name of each view, in the help of its command."""


def _viewing(view: View) -> click.Command:
    """The command that shows a view."""

    @options
    def asked(
        door: Door, name: str | None, here: bool, wide: bool, as_json: bool,
        limit: int, watch: float | None, node: str | None = None, sum_up: bool = False,
    ) -> None:  # fmt: skip
        query = {"name": name, "limit": limit, "node": node, "here": here or None,
                 "sum": sum_up or None}  # fmt: skip
        if watch is None:
            _print(view, door.get(f"/show/{view.name}", **query), wide, as_json)
            return
        with suppress(KeyboardInterrupt):
            _watch(view, lambda: door.get(f"/show/{view.name}", **query), wide, as_json, watch)

    command: Any = asked
    for option in reversed(_viewing_options(view)):
        command = option(command)
    asks = f"NAME: only this {view.noun}, or what lies below that name."
    calls = ("", *(f" {more}" for more in EXAMPLES[view.name]))
    shown = "\n".join(f"smppproxy show {view.name}{more}" for more in calls)
    told = f"{_sentence(view.help)}\n\n{asks}\n\n\b\n{shown}"
    return click.command(view.name, help=told)(command)


def _viewing_options(view: View) -> list[Any]:
    found = [
        click.argument("name", required=False),
        click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table."),
        click.option("--watch", is_flag=False, flag_value=2.0, type=click.FloatRange(0.2),
                     metavar="[SECONDS]", help="Again and again, until Ctrl-C; default: 2."),
        click.option("--wide", is_flag=True, help="Every column."),
        click.option("--limit", default=USUAL_ROWS, show_default=True,
                     type=click.IntRange(1, MOST_ROWS), help="Rows at most."),
    ]  # fmt: skip
    if view.asked == "nodes":
        found.append(click.option("--here", is_flag=True, help="Only the node that is asked."))
        found.append(click.option("--node", metavar="NAME", help="Only this node."))
    else:
        found.append(click.option("--here", is_flag=True, hidden=True))
    if view.sums:
        found.append(click.option("--sum", "sum_up", is_flag=True,
                                  help="One row where several nodes have one each."))  # fmt: skip
    return found


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _watch(view: View, ask: Callable[[], Any], wide: bool, as_json: bool, every: float) -> None:
    """Show it again and again; at a terminal in place."""
    from rich.live import Live

    there = console()
    if as_json or not there.is_terminal:
        while True:
            _print(view, ask(), wide, as_json)
            time.sleep(every)
    with Live(console=there, auto_refresh=False, screen=True) as live:
        while True:
            live.update(_picture(view, ask(), wide), refresh=True)
            time.sleep(every)


def _picture(view: View, answer: Any, wide: bool) -> Any:
    from rich.console import Group
    from rich.text import Text

    moment = time.strftime("%H:%M:%S", time.localtime(answer["at"]))
    head = Text(f"{view.name} at {moment}, asked {answer['node']}; Ctrl-C ends", "dim")
    return Group(head, *(Text(note, "bold red") for note in _notes(answer)),
                 table_of(view, answer["rows"], wide))  # fmt: skip


def _print(view: View, answer: Any, wide: bool, as_json: bool) -> None:
    """Once; what one should know beside the rows goes to standard error."""
    if as_json:
        click.echo(json.dumps(answer["rows"], indent=1))
    elif answer["rows"]:
        there = console()
        print_rows(there, table_of(view, answer["rows"], wide, plain=not there.is_terminal))
    else:
        click.echo(f"no {view.noun}")
    for note in _notes(answer):
        click.echo(note, err=True)


def _notes(answer: Any) -> list[str]:
    notes = [f"node {node} does not answer" for node in answer["silent"]]
    if answer["note"]:
        notes.append(answer["note"])
    if answer["more"]:
        notes.append("there are more; --limit shows them")
    return notes


for _view in VIEWS.values():
    show.add_command(_viewing(_view))


@show.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def refusals(name: str | None, as_json: bool) -> None:
    """What is answered when something is refused: one row per cause.

    The name is what an account's `errors` calls it. NAME: only this one, or all of a
    command_status.

    \b
    smppproxy show refusals
    smppproxy show refusals throttled
    smppproxy show refusals 0x0D
    """
    import attrs

    from smppproxy.smpp.refusals import REFUSALS

    found = [each for each in REFUSALS.values() if name is None or name in _names(each)]
    if not found:
        raise _unknown("refusal", str(name), REFUSALS)
    if as_json:
        click.echo(json.dumps([attrs.asdict(refusal) for refusal in found], indent=1))
        return
    rows = [
        (
            str(each.row),
            each.name,
            each.answer,
            _status_text(each.answer, each.command_status),
            each.session,
            each.rule,
            " ".join(each.ids),
        )
        for each in found
    ]
    headings = ("row", "name", "answer", "command_status", "session", "what was broken", "from")
    print_table(headings, "what was broken", rows)


def _names(refusal: Any) -> tuple[str, ...]:
    """What one may call it by: its own name, or a spelling of what it answers."""
    from smppproxy.smpp.constants import status_name

    status = refusal.command_status
    name = status_name(status)
    return refusal.name, name, name.removeprefix("ESME_"), f"0x{status:02X}", f"0x{status:08X}"


def _unknown(what: str, name: str, known: Iterable[str]) -> Refused:
    """There is nothing of that name; what there is."""
    from smppproxy.admin.errors import unknown

    return Refused(unknown(what, name, known).text)


def _status_text(answer: str, command_status: int) -> str:
    from smppproxy.smpp.constants import status_name
    from smppproxy.smpp.refusals import AS_PROVIDER

    if answer == "nothing":
        return "-"
    if command_status == AS_PROVIDER:
        return "the provider's"
    return f"0x{command_status:02X} {status_name(command_status).removeprefix('ESME_')}"


@show.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Every option of every preset, as JSON.")
def presets(name: str | None, as_json: bool) -> None:
    """The presets that a network file may name, with how well each provider is known.

    seed: from the provider's own document. documented: its connection was seen on its page.
    partial: some of it was. unverified: nothing was. base: no provider at all.

    NAME: this one, option by option, for providers and for accounts.

    \b
    smppproxy show presets
    smppproxy show presets messangi
    smppproxy show presets --json
    """
    from smppproxy.config import presets as known

    providers = {name: known.provider_preset(name) for name in known.provider_presets()}
    accounts = {name: known.account_preset(name) for name in known.account_presets()}
    if name is not None:
        if name not in {*providers, *accounts}:
            raise _unknown("preset", name, {*providers, *accounts})
        providers = {name: providers[name]} if name in providers else {}
        accounts = {name: accounts[name]} if name in accounts else {}
    if as_json:
        click.echo(json.dumps({"providers": providers, "accounts": accounts}, indent=2))
        return
    if name is not None:
        _print_preset("provider", providers)
        _print_preset("account", accounts)
        return
    headings = ("provider", "status", "tls", "port", "tls port", "window", "tps", "hosts")
    print_table(headings, "hosts", [_preset_row(*each) for each in providers.items()])
    rows = [(name, ", ".join(preset) or "nothing") for name, preset in accounts.items()]
    print_table(("account", "options that it sets"), "options that it sets", rows)


def _print_preset(kind: str, found: dict[str, dict[str, Any]]) -> None:
    """One preset of a kind, if there is one: each of its options as the network file spells it."""
    from smppproxy.config.effective import toml

    for preset in found.values():
        rows = [(option, toml(value)) for option, value in _flat(preset)]
        print_table((f"option of the {kind}", "value"), "value", rows)


def _flat(options: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Options of tables by their dotted names."""
    for option, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{option}.")
        else:
            yield f"{above}{option}", value


def _preset_row(name: str, preset: dict[str, Any]) -> tuple[str, ...]:
    numbers = (preset["port"], preset["tls_port"], preset["window"], preset.get("tps", 0))
    regions = preset.get("regions", {})
    hosts = "; ".join(f"{region}: {' '.join(names)}" for region, names in regions.items())
    return (
        name,
        preset["status"],
        preset["tls"],
        *(str(number) if number else "-" for number in numbers),
        hosts or " ".join(preset["hosts"]) or "(yours)",
    )
