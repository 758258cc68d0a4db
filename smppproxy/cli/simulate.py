"""`smppproxy simulate`: a provider or a client by itself."""

import json
import sys
from collections.abc import Sequence
from math import inf
from typing import Any

import click
from click.core import ParameterSource


@click.group()
def simulate() -> None:
    """A provider or a client by itself, with the habits of real ones.

    \b
    smppproxy simulate smsc --port 2901 --port 2902 --receipt-delay 1
    smppproxy simulate esme --system-id shop --password sesame --count 10
    """


def _range(value: str) -> tuple[float, float]:
    """Seconds: `0.5`, or `0.1-2` for anything between."""
    try:
        first, _, last = value.partition("-")
        least, most = float(first), float(last or first)
    except ValueError:
        raise click.BadParameter(f"{value} is neither SECONDS nor LEAST-MOST") from None
    if not 0 <= least <= most < inf:
        raise click.BadParameter(f"{value}: the least of LEAST-MOST goes first")
    return least, most


def _statuses(values: tuple[str, ...]) -> dict[int, float]:
    """`0x58:0.01` and the like."""
    try:
        parts = [value.split(":") for value in values]
        found = {int(status, 0): float(fraction) for status, fraction in parts}
    except ValueError:
        raise click.BadParameter("an error is STATUS:FRACTION, e.g. 0x58:0.01") from None
    for status, fraction in found.items():
        if not (0 < status <= 0xFFFF_FFFF and 0 <= fraction <= 1):
            limits = "a status has 32 bits and is not 0, a fraction is 0 to 1"
            raise click.BadParameter(f"{status:#x}:{fraction:g}: {limits}")
    return found


def _accounts(values: tuple[str, ...]) -> dict[bytes, bytes]:
    """`us:secret` and the like."""
    pairs = [value.partition(":") for value in values]
    for name, colon, _ in pairs:
        if not (name and colon):
            raise click.BadParameter(f"an account is SYSTEM_ID:PASSWORD, {name} is not")
    return {name.encode(): secret.encode() for name, _, secret in pairs}


FRACTION = click.FloatRange(0.0, 1.0)
NUMBER = click.IntRange(0)
AT_LEAST_ONE = click.IntRange(1)
POSITIVE = click.FloatRange(0.0)


def _written(context: click.Context, name: str) -> bool:
    """Whether an option stands on the command line."""
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


@simulate.command()
@click.option("--port", "ports", multiple=True, type=click.IntRange(0, 65_535), default=(0,),
              metavar="PORT",
              help="A host's port, 0 = any; repeat it for hosts b, c ...")  # fmt: skip
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--account", "accounts", multiple=True, metavar="SYSTEM_ID:PASSWORD",
              help="Only these may bind; without it anyone may.")  # fmt: skip
@click.option("--preset", default="", metavar="NAME",
              help="With the habits of a provider preset; other options change them.")  # fmt: skip
@click.option("--spelling", default=0, metavar="NUMBER", type=click.IntRange(0, 3),
              help="Of ids, where the preset leaves that open: 0 to 3.")  # fmt: skip
@click.option("--id-format", default="dec", show_default=True,
              help="Of ids: dec hex HEX padded padded-hex hex32 uuid constant empty.")  # fmt: skip
@click.option("--receipt-id-format", default="", help="Of receipts; default: the same.")
@click.option("--response-delay", default="0", metavar="SECONDS", help="0.01, or 0.01-0.2")
@click.option("--receipt-delay", default="0", metavar="SECONDS", help="After the response.")
@click.option("--shape", default="both", show_default=True,
              help="Of receipts: both text tlv payload data_sm.")  # fmt: skip
@click.option("--early", default=0.0, type=FRACTION,
              help="Fraction of receipts sent before the response.")
@click.option("--other-host", default=0.0, type=FRACTION,
              help="Fraction of receipts sent on another host.")
@click.option("--duplicates", default=0.0, type=FRACTION,
              help="Fraction of receipts sent twice.")
@click.option("--undelivered", default=0.0, type=FRACTION,
              help="Fraction of receipts that say UNDELIV.")
@click.option("--silence", default=0.0, type=FRACTION,
              help="Fraction of submit_sm never answered.")
@click.option("--error", "errors", multiple=True, metavar="STATUS:FRACTION",
              help="Refuse a fraction of submit_sm with a command_status.")  # fmt: skip
@click.option("--tps", default=0, type=NUMBER,
              help="ESME_RTHROTTLED above so many a second.")
@click.option("--mo-rate", default=0.0, type=POSITIVE,
              help="MO messages a second to each system_id.")
@click.option("--mo-destination", default="12345", show_default=True, help="Whom they are for.")
@click.option("--mo-text", default="hello from a mobile", show_default=True, help="What they say.")
@click.option("--max-binds", default=0, type=NUMBER,
              help="Sessions per system_id and host.")
@click.option("--window", default=50, show_default=True, type=AT_LEAST_ONE,
              help="Unanswered receipts per session.")
@click.option("--intermediate", is_flag=True, help="ENROUTE before each receipt, if asked for.")
@click.option("--crash", default="", metavar="EVERY:DOWN",
              help="Each host in turn dies every so many seconds, for so many.")  # fmt: skip
@click.option("--tls", is_flag=True, help="With TLS, by a certificate made on the spot.")
@click.option("--certificate", default="", metavar="FILE", help="With this one (PEM) instead.")
@click.option("--key", default="", metavar="FILE", help="Its key.")
@click.option("--lean", is_flag=True,
              help="Nothing but answers and receipts, ten times as fast.")  # fmt: skip
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 256),
              help="Share the ports; implies --lean.")  # fmt: skip
@click.option("--for", "seconds", default=0.0, type=POSITIVE, metavar="SECONDS",
              help="End after so long.")
@click.pass_context
def smsc(context: click.Context, /, ports: tuple[int, ...], address: str,
         accounts: tuple[str, ...], seconds: float, response_delay: str, receipt_delay: str,
         errors: tuple[str, ...], preset: str, spelling: int, crash: str, tls: bool,
         certificate: str, key: str, lean: bool, processes: int,
         **habits: Any) -> None:  # fmt: skip
    """Be a provider with one host or several, until Ctrl-C; the last line counts what it did.

    With --lean it remembers nothing and has no habits but delays, ids, refusals and receipts that
    say UNDELIV.

    \b
    smppproxy simulate smsc --port 2901 --port 2902 --receipt-delay 0.5-5 --early 0.01
    smppproxy simulate smsc --preset messangi --tps 40 --error 0x58:0.01 --crash 30:5
    smppproxy simulate smsc --port 2901 --port 2902 --lean --processes 2
    """
    own = _certificate(tls, certificate, key)
    allowed = _accounts(accounts)
    if lean or processes > 1:
        asked = {name: value for name, value in habits.items() if _written(context, name)}
        asked |= {"preset": preset} if preset else {}
        asked |= {"crash": crash} if crash else {}
        common = {
            "accounts": allowed,
            "response_delay": _range(response_delay),
            "receipt_delay": _range(receipt_delay),
            "errors": _statuses(errors),
        }
        sys.exit(_lean(asked, common, ports, address, processes, own, seconds))
    from twisted.internet import reactor

    from smppproxy.service import monotonic
    from smppproxy.simulator.presets import habits_of
    from smppproxy.simulator.run import run_smsc

    for name in ("mo_destination", "mo_text"):
        habits[name] = habits[name].encode("latin-1", "replace")
    if preset:
        # What nobody wrote is the preset's.
        habits = {name: value for name, value in habits.items() if _written(context, name)}
    try:
        options = habits_of(
            preset,
            spelling,
            accounts=allowed,
            response_delay=_range(response_delay),
            receipt_delay=_range(receipt_delay),
            errors=_statuses(errors),
            **habits,
        )
    except ValueError as error:
        raise click.BadParameter(str(error.args[0])) from None
    monotonic(reactor)
    context_of_tls = _twisted_tls(own)
    sys.exit(
        run_smsc(reactor, options, ports, address, seconds, context_of_tls, _crashes(crash))
    )


NO_PAIR = "are no certificate and key"

LEAN = ("id_format", "undelivered", "window")
"""Habits that the lean provider has too, beside delays, accounts and errors."""


def _lean(
    asked: dict[str, Any], common: dict[str, Any], ports: Sequence[int], address: str,
    processes: int, own: tuple[str, str], seconds: float,
) -> int:  # fmt: skip
    """The provider of load tests. Exit code 0, or 2 when a port is taken."""
    from smppproxy.simulator.load.hosts import Hosts, until_told
    from smppproxy.simulator.load.loop import server_context
    from smppproxy.simulator.load.provider import LeanOptions
    from smppproxy.simulator.run import NAMES

    others = [name for name in asked if name not in LEAN]
    if others:
        names = ", ".join("--" + name.replace("_", "-") for name in others)
        raise click.UsageError(f"the lean provider has no {names}; leave it out, or --lean")
    if own[0]:
        try:
            server_context(*own)
        except OSError:
            raise click.BadParameter(f"{own[0]} and {own[1]} {NO_PAIR}") from None
    try:
        options = LeanOptions(**common, **asked)
    except ValueError as error:
        raise click.BadParameter(str(error.args[0])) from None
    try:
        hosts = Hosts(options, ports, address, processes, *own)
    except OSError as error:
        click.echo(f"smppproxy simulate: cannot listen on {address}: {error.strerror}", err=True)
        return 2
    for name, port in zip(NAMES, hosts.ports, strict=False):
        click.echo(f"host {name}: {address}:{port}")
    sys.stdout.flush()
    until_told(seconds)
    click.echo(json.dumps(hosts.stop()))
    return 0


def _certificate(tls: bool, certificate: str, key: str) -> tuple[str, str]:
    """The files of a listener's certificate and key, ("", "") without TLS."""
    if bool(certificate) != bool(key):
        raise click.UsageError("--certificate and --key go together")
    if certificate or not tls:
        return certificate, key
    import atexit
    import shutil
    import tempfile
    from pathlib import Path

    from smppproxy.simulator.certificate import self_signed

    made = self_signed("localhost")
    # Only the owner can look into it.
    folder = Path(tempfile.mkdtemp(prefix="smppproxy-simulate-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "crt.pem").write_bytes(made.certificate_pem)
    (folder / "key.pem").write_bytes(made.key_pem)
    click.echo(f"certificate: {folder / 'crt.pem'}")
    return str(folder / "crt.pem"), str(folder / "key.pem")


def _twisted_tls(own: tuple[str, str]) -> Any:
    """The same for a listener of the reactor; None without TLS."""
    if not own[0]:
        return None
    from OpenSSL.SSL import Error
    from twisted.internet.ssl import DefaultOpenSSLContextFactory

    try:
        return DefaultOpenSSLContextFactory(own[1], own[0])
    except Error:
        raise click.BadParameter(f"{own[0]} and {own[1]} {NO_PAIR}") from None


def _crashes(written: str) -> tuple[float, float]:
    """`30:5`: every 30 seconds, for 5; (0, 0) for never."""
    if not written:
        return 0.0, 0.0
    try:
        every, _, down = written.partition(":")
        pair = float(every), float(down)
    except ValueError:
        raise click.BadParameter(f"{written} is not EVERY:DOWN, e.g. 30:5") from None
    if not 0 < pair[1] < pair[0]:
        raise click.BadParameter(f"{written}: a host is down for less than it is up")
    return pair


@simulate.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="The server.")
@click.option("--port", default=2775, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--system-id", default="demo", show_default=True)
@click.option("--password", default="demo", show_default=True)
@click.option("--bind", default="trx", show_default=True, help="trx tx rx, or txrx: both.")
@click.option("--binds", default=1, show_default=True, type=AT_LEAST_ONE, help="Sessions.")
@click.option("--window", default=50, show_default=True, type=AT_LEAST_ONE,
              help="Unanswered submit_sm per session.")
@click.option("--rate", default=0.0, type=POSITIVE,
              help="Messages a second; default: what the windows allow.")
@click.option("--count", default=1000, show_default=True, type=NUMBER,
              help="Messages; 0 = until Ctrl-C.")
@click.option("--prefix", "prefixes", multiple=True, default=("46701",), show_default=True,
              help="Destinations: a prefix and 8 digits.")  # fmt: skip
@click.option("--source", default="smppproxy", show_default=True, help="The source_addr.")
@click.option("--text", default="hello from the simulated client", show_default=True)
@click.option("--receipts/--no-receipts", default=True, show_default=True)
@click.option("--for", "seconds", default=0.0, type=POSITIVE, metavar="SECONDS",
              help="Submit no longer.")
@click.option("--drain", default=10.0, show_default=True, type=POSITIVE,
              help="Seconds to wait for receipts.")
@click.option("--tls", is_flag=True, help="With TLS; chain and name are checked.")
@click.option("--ca", default="", metavar="FILE", help="With TLS, trusting this certificate (PEM).")
@click.option("--refuse", "refusals", multiple=True, metavar="STATUS:FRACTION",
              help="Answer a fraction of the receipts with a command_status.")  # fmt: skip
@click.option("--deaf", "deliver_silence", default=0.0, type=FRACTION,
              help="Fraction of the receipts that get no answer.")  # fmt: skip
def esme(system_id: str, password: str, prefixes: tuple[str, ...], source: str, text: str,
         receipts: bool, seconds: float, drain: float, tls: bool, ca: str,
         refusals: tuple[str, ...], **habits: Any) -> None:  # fmt: skip
    """Be a client until every message has its receipt; the last line counts what came back.

    Exit status 0 when every OK has its receipt and nobody else's came; 1 when not, when the bind
    was refused, and when there was no OK at all; 3 when nobody answers. It remembers every message;
    `smppproxy load` is for many and fast ones, in several processes.

    \b
    smppproxy simulate esme --count 100 --rate 10
    smppproxy simulate esme --port 8775 --tls --bind txrx --binds 2 --for 30 --count 0
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
            deliver_status=_statuses(refusals),
            tls=_client_tls(habits["address"], ca) if tls or ca else None,
            **habits,
        )
    except ValueError as error:
        raise click.BadParameter(str(error.args[0])) from None
    monotonic(reactor)
    sys.exit(run_esme(reactor, options, seconds, drain))


def _client_tls(address: str, ca: str) -> Any:
    """What checks a server's certificate."""
    from pathlib import Path

    from twisted.internet.ssl import Certificate, optionsForClientTLS

    if not ca:
        return optionsForClientTLS(address)
    try:
        return optionsForClientTLS(address, Certificate.loadPEM(Path(ca).read_bytes()))
    except OSError as error:
        raise click.BadParameter(f"cannot read {ca}: {error.strerror}") from None
