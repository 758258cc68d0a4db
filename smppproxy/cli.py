"""The command `smppproxy`: one group, one function per command.

A command imports what it needs when it runs, so that `smppproxy --help` and the small commands
start at once and none of them brings in a reactor that it does not use.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from smppproxy.config import ConfigError, Network

#: Octets that SMPP 3.4 leaves for a password and a system_id (section 5.2: 9 and 16 with the NUL).
PASSWORD_OCTETS = 8
SYSTEM_ID_OCTETS = 15


@click.group("smppproxy", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="smppproxy", prog_name="smppproxy")
def main() -> None:
    """Everything around the SMPP multiplexing router that is not the server itself.

    The server runs under twistd: twistd -n smppproxy -c etc/smppproxy.toml
    """


@main.command()
@click.option(
    "-c",
    "--config",
    default="etc/smppproxy.toml",
    show_default=True,
    metavar="FILE",
    help="The node file; its network file is checked too.",
)
@click.option("--network", metavar="FILE", help="Check only this network file.")
@click.option("--provider", metavar="NAME", help="Print what holds for it: its effective profile.")
@click.option("--account", metavar="NAME", help="The same for an account.")
def check(config: str, network: str | None, provider: str | None, account: str | None) -> None:
    """Read the configuration and print every problem with its line and its mend.

    Exit status 0 when it can be used, 1 when not.
    """
    from smppproxy.config import ConfigError, load_network, load_node

    try:
        doors = ""
        if network is None:
            node = load_node(config)
            doors = f", {_count(len(node.listeners), 'listener')}"
            network = _shown(node.network_file)
        loaded = load_network(network)
    except ConfigError as error:
        _print_problems(error)
        sys.exit(1)
    if provider is not None:
        _print_effective("provider", provider, loaded.providers, network)
    if account is not None:
        _print_effective("account", account, loaded.accounts, network)
    if provider is None and account is None:
        click.echo(f"ok: {_summary(loaded)}{doors}")


def _print_effective(kind: str, name: str, known: dict[str, Any], network: str) -> None:
    """One provider or account as TOML, each option with who says so."""
    from smppproxy.config.effective import account_lines, provider_lines, read_written
    from smppproxy.config.source import near

    if name not in known:
        mend = near(name, known)
        raise click.ClickException(f"there is no {kind} {name} in {network}; {mend}")
    lines = provider_lines if kind == "provider" else account_lines
    for line in lines(known[name], read_written(network, kind, name)):
        click.echo(f"{line.text:<55} # {line.origin}" if line.origin else line.text)


def _print_problems(error: "ConfigError") -> None:
    for problem in error.problems:
        click.echo(str(problem))
    click.echo(_count(len(error.problems), "problem"))


def _shown(path: str) -> str:
    """A path as the operator would write it: relative where it lies below the working folder."""
    from pathlib import Path

    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _summary(network: "Network") -> str:
    return ", ".join(
        (
            _count(len(network.accounts), "account"),
            _count(len(network.providers), "provider"),
            _count(len(network.routes.routes), "route"),
            _count(len(network.mo.routes), "MO route"),
        )
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


@main.command()
@click.argument("system_id", required=False)
def password(system_id: str | None) -> None:
    """Make the password line of an account for the network file.

    Asks twice at a terminal, else reads the first line of standard input. SYSTEM_ID is only for
    the question.
    """
    import argon2

    secret = _asked(system_id)
    _warn(secret, system_id)
    # Moderate on purpose: after a restart thousands of clients bind within a minute (F46).
    hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    click.echo(f'password = "{hasher.hash(secret)}"')


def _asked(system_id: str | None) -> bytes:
    if sys.stdin.isatty():
        question = f"Password of {system_id}" if system_id else "Password"
        typed: str = click.prompt(question, hide_input=True, confirmation_prompt=True, err=True)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    if not typed:
        raise click.ClickException("the password is empty")
    return typed.encode()


def _warn(secret: bytes, system_id: str | None) -> None:
    """Limits of the standard that we do not enforce but a client's library may (SX-06)."""
    lengths = [("password", len(secret), PASSWORD_OCTETS)]
    if system_id:
        lengths.append(("system_id", len(system_id.encode()), SYSTEM_ID_OCTETS))
    for what, length, most in lengths:
        if length > most:
            click.echo(
                f"warning: SMPP 3.4 has room for a {what} of {most} octets, this one has {length}; "
                "smppproxy takes it, but some clients cannot send it",
                err=True,
            )


@main.command()
@click.option("--port", default=2775, show_default=True, help="Where clients bind; 0 = any free.")
@click.option("--tls-port", default=8775, show_default=True, help="The same with TLS; 0 = any.")
@click.option("--http-port", default=8080, show_default=True, help="Health and counts; 0 = any.")
@click.option(
    "--for",
    "seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(3.0),
    metavar="SECONDS",
    help="It ends by itself after so long.",
)
@click.option(
    "--rate",
    default=200.0,
    show_default=True,
    type=click.FloatRange(1.0),
    help="Messages per second of the sample client.",
)
def demo(port: int, tls_port: int, http_port: int, seconds: float, rate: float) -> None:
    """The whole product between simulated providers and a sample client.

    Host a of a provider is killed half-way and comes back. Any SMPP client can bind meanwhile:
    system_id demo, password demo. The last line is the ledger as JSON; exit status 0 when it
    balances and nothing was lost, 1 when not, 2 when a port is taken.
    """
    from twisted.internet import reactor

    from smppproxy.service import build, monotonic
    from smppproxy.simulator.demo import DemoOptions
    from smppproxy.simulator.demo import main as play

    monotonic(reactor)
    sys.exit(play(reactor, DemoOptions(port, tls_port, http_port, seconds, rate), build))


@main.group()
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
    _print_table(headings, "what was broken", rows)


def _print_table(headings: Sequence[str], folded: str, rows: Iterable[Sequence[str]]) -> None:
    """A table of which only the column `folded` gives way where the terminal is narrow."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for heading in headings:
        if heading == folded:
            table.add_column(heading, min_width=20, overflow="fold")
        else:
            table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    # Where it is piped a row is one line, and nowhere is a name cut.
    console.width = max(console.width, 120) if console.is_terminal else 220
    console.print(table)


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
    _print_table(headings, "hosts", [_preset_row(*each) for each in providers.items()])
    rows = [(name, ", ".join(preset) or "nothing") for name, preset in accounts.items()]
    _print_table(("account", "options that it sets"), "options that it sets", rows)


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


@main.group()
def simulate() -> None:
    """A provider or a client by itself, with the habits of real ones."""


def _range(value: str) -> tuple[float, float]:
    """Seconds: `0.5`, or `0.1-2` for anything between."""
    try:
        least, _, most = value.partition("-")
        return float(least), float(most or least)
    except ValueError:
        raise click.BadParameter(f"{value} is neither SECONDS nor LEAST-MOST") from None


def _statuses(values: tuple[str, ...]) -> dict[int, float]:
    """`0x58:0.01` and the like."""
    try:
        parts = [value.split(":") for value in values]
        return {int(status, 0): float(fraction) for status, fraction in parts}
    except ValueError:
        raise click.BadParameter("an error is STATUS:FRACTION, e.g. 0x58:0.01") from None


def _written(context: click.Context, name: str) -> bool:
    """Whether an option stands on the command line."""
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


@simulate.command()
@click.option("--port", "ports", multiple=True, type=int, default=(0,), metavar="PORT",
              help="A host's port, 0 = any; repeat it for hosts b, c ...")  # fmt: skip
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--account", "accounts", multiple=True, metavar="SYSTEM_ID:PASSWORD",
              help="Only these may bind; without it anyone may.")  # fmt: skip
@click.option("--preset", default="", metavar="NAME",
              help="With the habits of a provider preset; other options change them.")  # fmt: skip
@click.option("--spelling", default=0, metavar="NUMBER",
              help="Of ids, where the preset leaves that open: 0 to 3.")  # fmt: skip
@click.option("--id-format", default="dec", show_default=True,
              help="Of ids: dec hex HEX padded padded-hex hex32 uuid constant empty.")  # fmt: skip
@click.option("--receipt-id-format", default="", help="Of receipts; default: the same.")
@click.option("--response-delay", default="0", metavar="SECONDS", help="0.01, or 0.01-0.2")
@click.option("--receipt-delay", default="0", metavar="SECONDS", help="After the response.")
@click.option("--shape", default="both", show_default=True,
              help="Of receipts: both text tlv payload data_sm.")  # fmt: skip
@click.option("--early", default=0.0, help="Fraction of receipts sent before the response.")
@click.option("--other-host", default=0.0, help="Fraction of receipts sent on another host.")
@click.option("--duplicates", default=0.0, help="Fraction of receipts sent twice.")
@click.option("--undelivered", default=0.0, help="Fraction of receipts that say UNDELIV.")
@click.option("--silence", default=0.0, help="Fraction of submit_sm never answered.")
@click.option("--error", "errors", multiple=True, metavar="STATUS:FRACTION",
              help="Refuse a fraction of submit_sm with a command_status.")  # fmt: skip
@click.option("--tps", default=0, help="ESME_RTHROTTLED above so many a second.")
@click.option("--mo-rate", default=0.0, help="MO messages a second to each system_id.")
@click.option("--max-binds", default=0, help="Sessions per system_id and host.")
@click.option("--for", "seconds", default=0.0, metavar="SECONDS", help="End after so long.")
@click.pass_context
def smsc(context: click.Context, /, ports: tuple[int, ...], address: str,
         accounts: tuple[str, ...], seconds: float, response_delay: str, receipt_delay: str,
         errors: tuple[str, ...], preset: str, spelling: int, **habits: Any) -> None:  # fmt: skip
    """Be a provider with one host or several, until Ctrl-C; the last line counts what it did."""
    from twisted.internet import reactor

    from smppproxy.service import monotonic
    from smppproxy.simulator.presets import habits_of
    from smppproxy.simulator.run import run_smsc

    pairs = (account.partition(":") for account in accounts)
    if preset:
        # What nobody wrote is the preset's.
        habits = {name: value for name, value in habits.items() if _written(context, name)}
    try:
        options = habits_of(
            preset,
            spelling,
            accounts={name.encode(): secret.encode() for name, _, secret in pairs},
            response_delay=_range(response_delay),
            receipt_delay=_range(receipt_delay),
            errors=_statuses(errors),
            **habits,
        )
    except ValueError as error:
        raise click.BadParameter(str(error.args[0])) from None
    monotonic(reactor)
    sys.exit(run_smsc(reactor, options, ports, address, seconds))


@simulate.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="The server.")
@click.option("--port", default=2775, show_default=True)
@click.option("--system-id", default="demo", show_default=True)
@click.option("--password", default="demo", show_default=True)
@click.option("--bind", default="trx", show_default=True, help="trx tx rx, or txrx: both.")
@click.option("--binds", default=1, show_default=True, help="Sessions.")
@click.option("--window", default=50, show_default=True, help="Unanswered submit_sm per session.")
@click.option("--rate", default=0.0, help="Messages a second; default: what the windows allow.")
@click.option("--count", default=1000, show_default=True, help="Messages; 0 = until Ctrl-C.")
@click.option("--prefix", "prefixes", multiple=True, default=("46701",), show_default=True,
              help="Destinations: a prefix and 8 digits.")  # fmt: skip
@click.option("--source", default="smppproxy", show_default=True, help="The source_addr.")
@click.option("--text", default="hello from the simulated client", show_default=True)
@click.option("--receipts/--no-receipts", default=True, show_default=True)
@click.option("--for", "seconds", default=0.0, metavar="SECONDS", help="Submit no longer.")
@click.option("--drain", default=10.0, show_default=True, help="Seconds to wait for receipts.")
def esme(system_id: str, password: str, prefixes: tuple[str, ...], source: str, text: str,
         receipts: bool, seconds: float, drain: float, **habits: Any) -> None:  # fmt: skip
    """Be a client until every message has its receipt; the last line counts what came back.

    Exit status 0 when every OK has its receipt and nobody else's came, else 1.
    """
    from twisted.internet import reactor

    from smppproxy.service import monotonic
    from smppproxy.simulator.esme import EsmeOptions
    from smppproxy.simulator.run import run_esme

    try:
        options = EsmeOptions(
            system_id=system_id.encode(),
            password=password.encode(),
            prefixes=[prefix.encode() for prefix in prefixes],
            source=source.encode(),
            text=text.encode("latin-1", "replace"),
            registered_delivery=int(receipts),
            **habits,
        )
    except ValueError as error:
        raise click.BadParameter(str(error.args[0])) from None
    monotonic(reactor)
    sys.exit(run_esme(reactor, options, seconds, drain))
