"""`smppproxy check`: is this configuration good, and what holds for one of its names."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from smppproxy.config import ConfigError, Network, Node
    from smppproxy.routing.providers import Provider


@click.command()
@click.option(
    "-c",
    "--config",
    default="etc/smppproxy.toml",
    show_default=True,
    metavar="FILE",
    envvar="SMPPPROXY_CONFIG",
    help="The node file; its network file is checked too.",
)
@click.option("--network", metavar="FILE", help="Check only this network file.")
@click.option("--provider", metavar="NAME", help="Print what holds for it: its effective profile.")
@click.option("--account", metavar="NAME", help="The same for an account.")
def check(config: str, network: str | None, provider: str | None, account: str | None) -> None:
    """Read the configuration and print every problem with its line and its mend.

    A warning says what is allowed and hardly meant, such as a route that no message comes to.
    Exit status 0 when it can be used, 1 when not.

    \b
    smppproxy check
    smppproxy check --network new.toml
    smppproxy check --provider acme
    """
    from smppproxy.config import ConfigError, load_network, load_node
    from smppproxy.config.references import exposed
    from smppproxy.store.checking import check_store
    from smppproxy.wire.certificates import check_network, check_node

    node = None
    try:
        doors = ""
        if network is None:
            node = load_node(config)
            check_node(config, node)
            check_store(config, node)
            doors = f", {_count(len(node.listeners), 'listener')}"
            network = _shown(node.network_file) if node.network_file else ""
        if not network:
            for open_to_all in exposed(config):
                click.echo(f"warning: {open_to_all}")
            click.echo(f"ok{doors}; it follows the network in its store (smppproxy history)")
            return
        loaded = load_network(network)
        check_network(network, loaded)
    except ConfigError as error:
        _print_problems(error)
        sys.exit(1)
    if provider is not None:
        _print_effective("provider", provider, loaded.providers, network)
    if account is not None:
        _print_effective("account", account, loaded.accounts, network)
    if provider is None and account is None:
        for warning in _warnings(node, config, loaded, network):
            click.echo(f"warning: {warning}")
        click.echo(f"ok: {_summary(loaded)}{doors}")


def _warnings(
    node: "Node | None", config: str, network: "Network", file: str
) -> Iterator[object]:
    """What is allowed and hardly meant."""
    from smppproxy.config.references import exposed

    yield from network.warnings
    if node is not None:
        yield from _on_this_node(node, network, file)
        yield from exposed(config)
    yield from exposed(file)


def _on_this_node(node: "Node", network: "Network", file: str) -> Iterator[str]:
    """What the network wants that this node has not."""
    if not any(listener.tls for listener in node.listeners):
        for name in _wanting_tls(network):
            yield (
                f"{file}: account.{name}.tls: it may bind with TLS only, and no listener of this "
                "node has it; write tls = true at one"
            )
    for name, provider in sorted(network.providers.items()):
        binds = shared_binds(provider)
        if binds < node.workers:
            yield (
                f"{file}: provider.{name}.binds: {_count(binds, 'bind')} for {node.workers} "
                "workers: those without one send through the others, which costs both of them; "
                "write binds so that each worker has one with each host, if the provider allows it"
            )


def shared_binds(provider: "Provider") -> int:
    """How many binds to all hosts there are for workers; a transmitter and its receiver are one."""
    from smppproxy.wire.pool import hosts_of, labels_of, numbers_of

    numbers = len(numbers_of(provider))
    binds = len(hosts_of(provider)) * numbers
    sessions_of_each = max(len(labels_of(provider)) // numbers, 1)
    return min(binds, provider.binds_total // sessions_of_each or binds)


def _wanting_tls(network: "Network") -> list[str]:
    """Accounts that no plain listener lets in (MG-03)."""
    accounts = network.accounts.values()
    return [each.system_id for each in accounts if each.enabled and each.tls == "required"]


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
