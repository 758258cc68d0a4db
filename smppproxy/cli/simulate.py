"""`smppproxy simulate`: a provider or a client by itself."""

import sys
from typing import Any

import click
from click.core import ParameterSource


@click.group()
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
