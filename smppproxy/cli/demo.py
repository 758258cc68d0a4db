"""`smppproxy demo`: the whole product on one screen."""

import sys

import click


@click.command()
@click.option("--port", default=2775, show_default=True, help="Where clients bind; 0 = any free.")
@click.option("--tls-port", default=8775, show_default=True, help="The same with TLS; 0 = any.")
@click.option("--http-port", default=8080, show_default=True, help="The web page, health, counts.")
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

    \b
    smppproxy demo
    smppproxy demo --port 12775 --tls-port 0 --http-port 0 --for 3600 --rate 50
    """
    from twisted.internet import reactor

    from smppproxy.service import build, monotonic
    from smppproxy.simulator.demo import DemoOptions
    from smppproxy.simulator.demo import main as play

    monotonic(reactor)
    sys.exit(play(reactor, DemoOptions(port, tls_port, http_port, seconds, rate), build))
