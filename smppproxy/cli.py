"""The command `smppproxy`: one group, one function per command.

A command imports what it needs when it runs, so that `smppproxy --help` and the small commands
start at once and none of them brings in a reactor that it does not use.
"""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from smppproxy.config import ConfigError, Network

#: Octets that SMPP 3.4 leaves for a password and a system_id (section 5.2: 9 and 16 with the NUL).
PASSWORD_OCTETS = 8
SYSTEM_ID_OCTETS = 15


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="smppproxy")
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
def check(config: str, network: str | None) -> None:
    """Read the configuration and print every problem with its line and its mend.

    Exit status 0 when it can be used, 1 when not.
    """
    from smppproxy.config import ConfigError, load_network, load_node

    try:
        if network is None:
            node = load_node(config)
            doors = _count(len(node.listeners), "listener")
            loaded = load_network(_shown(node.network_file))
        else:
            doors = ""
            loaded = load_network(network)
    except ConfigError as error:
        _print_problems(error)
        sys.exit(1)
    click.echo(f"ok: {_summary(loaded)}{', ' if doors else ''}{doors}")


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

    from smppproxy.service import build
    from smppproxy.simulator.demo import DemoOptions
    from smppproxy.simulator.demo import main as play
    from smppproxy.service import monotonic

    monotonic(reactor)
    sys.exit(play(reactor, DemoOptions(port, tls_port, http_port, seconds, rate), build))
