"""`smppproxy show`: what the product knows, as tables or JSON."""

from typing import Any

import click

from smppproxy.cli.tables import print_table


@click.group()
def show() -> None:
    """Print what the product knows, as a table or with --json."""


@show.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def refusals(as_json: bool) -> None:
    """What is answered when something is refused: one row per cause.

    The name is what an account's `errors` calls it.
    """
    import attrs

    from smppproxy.smpp.refusals import REFUSALS

    if as_json:
        import json

        click.echo(json.dumps([attrs.asdict(refusal) for refusal in REFUSALS.values()], indent=1))
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
        for each in REFUSALS.values()
    ]
    headings = ("row", "name", "answer", "command_status", "session", "what was broken", "from")
    print_table(headings, "what was broken", rows)


def _status_text(answer: str, command_status: int) -> str:
    from smppproxy.smpp.constants import status_name
    from smppproxy.smpp.refusals import AS_PROVIDER

    if answer == "nothing":
        return "-"
    if command_status == AS_PROVIDER:
        return "the provider's"
    return f"0x{command_status:02X} {status_name(command_status).removeprefix('ESME_')}"


@show.command()
@click.option("--json", "as_json", is_flag=True, help="Every option of every preset, as JSON.")
def presets(as_json: bool) -> None:
    """The presets that a network file may name, with how well each provider is known.

    seed: from the provider's own document. documented: its connection was seen on its page.
    partial: some of it was. unverified: nothing was. base: no provider at all.
    """
    from smppproxy.config import presets as known

    providers = {name: known.provider_preset(name) for name in known.provider_presets()}
    accounts = {name: known.account_preset(name) for name in known.account_presets()}
    if as_json:
        import json

        click.echo(json.dumps({"providers": providers, "accounts": accounts}, indent=2))
        return
    headings = ("provider", "status", "tls", "port", "tls port", "window", "tps", "hosts")
    print_table(headings, "hosts", [_preset_row(*each) for each in providers.items()])
    rows = [(name, ", ".join(preset) or "nothing") for name, preset in accounts.items()]
    print_table(("account", "options that it sets"), "options that it sets", rows)


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
