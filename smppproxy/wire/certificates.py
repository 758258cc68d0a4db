"""Certificates, keys and CAs that files name, tried before anything starts.

Reading a file says that it is there; only building the TLS of it says that it can be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smppproxy.config import Network, Node
from smppproxy.config.lines import Path
from smppproxy.config.source import raise_found
from smppproxy.wire.hop_tls import HopTls
from smppproxy.wire.tls import ClientTls, ServerTls, TlsError

_AUTHORITIES = "name a PEM file with the certificates of the CAs to trust"
_MENDS = {
    "certificate": "name a PEM file with the certificate first, then its chain",
    "key": "name the PEM file of this certificate's own key, without a passphrase",
    "tls_name": "write the name that the provider's certificate is for",
}
"""What to write, by the option; CAs for all others."""

Wrong = tuple[Path, str, str]
"""The path of an option, what is wrong with it, and how to mend that."""


def check_node(file: str, node: Node) -> None:
    """Whether a node file's certificates can be used.

    :raises ConfigError: with the place of each that cannot.
    """
    raise_found(file, [*_of_node(node)])


def check_network(file: str, network: Network) -> None:
    """Whether the CAs that a network file names can be used.

    :raises ConfigError: with the place of each that cannot.
    """
    raise_found(file, [*_of_network(network)])


def _of_node(node: Node) -> Iterator[Wrong]:
    for place, each in enumerate(node.listeners):
        if each.tls:
            files = {"certificate": each.certificate, "key": each.key, "client_ca": each.client_ca}
            yield from _tried(("listener", place), files, ServerTls, *files.values())
    admin, hop = node.admin, node.hop
    if admin.port and admin.certificate:
        files = {"certificate": admin.certificate, "key": admin.key}
        yield from _tried(("admin",), files, ServerTls, *files.values())
    if hop.port:
        files = {"certificate": hop.certificate, "key": hop.key, "ca": hop.ca}
        yield from _tried(("hop",), files, HopTls, *files.values())


def _of_network(network: Network) -> Iterator[Wrong]:
    for name, provider in network.providers.items():
        files = {"tls_name": "", "tls_ca": provider.tls_ca}
        hosts = [host for host in provider.hosts if provider.door(host)[1]]
        for each in {provider.tls_name or host.address for host in hosts[:1]}:
            yield from _tried(
                ("provider", name), files, ClientTls, each, provider.tls_ca, provider.tls_min
            )


def _tried(
    path: Path, files: dict[str, str], make: Callable[..., object], *arguments: str
) -> Iterator[Wrong]:
    """Nothing when it can be made; else the option whose file is to blame, or the first one."""
    try:
        make(*arguments)
    except TlsError as error:
        text = str(error)
        blamed = [option for option, file in files.items() if file and text.startswith(f"{file}:")]
        option = (blamed or [*files])[0]
        yield (*path, option), text, _MENDS.get(option, _AUTHORITIES)
