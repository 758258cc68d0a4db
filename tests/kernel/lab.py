"""Places behind a router, and a router that drops what it is told to.

The node, the clients and the test live in the namespace that ``unshare`` gave this process. Each
place is a namespace of its own with one address; every packet between two of them crosses the
router, where nftables drops it without a word, as a firewall does that has forgotten a connection.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import SkipTest

CLONE_NEWNET = 0x40000000
NETNS = Path("/run/netns")

HOME = "10.9.0.2"
"""The address of the node and of whoever is in no other place."""

_libc = ctypes.CDLL(None, use_errno=True)


def run(*words: str) -> None:
    """One command; its complaint becomes the error."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stderr.strip()}")


def enter(descriptor: int) -> None:
    """Sockets and processes made from now on belong to this network namespace."""
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def need_namespaces() -> None:
    """This process has namespaces of its own, and its own addresses can be reached in them.

    :raises SkipTest: the kernel gives nobody any.
    """
    own = os.environ.get("SMPPPROXY_OWN_NETWORK", "no")
    if own == "impossible":
        raise SkipTest("this kernel lets nobody have a network namespace")
    if own != "yes":
        raise AssertionError("this process has no network of its own: run `make kernel`")
    run("ip", "link", "set", "lo", "up")


class Lab:
    """A router with places around it; :meth:`close` takes all of it down.

    :ivar addresses: of the places by name.
    """

    def __init__(self, *places: str) -> None:
        need_namespaces()
        self.addresses: dict[str, str] = {}
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        if not NETNS.is_dir():
            run("mount", "-t", "tmpfs", "none", "/run")
        run("ip", "netns", "add", "router")
        self._router("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._router("nft", "add table inet lab")
        self._router("nft", "add chain inet lab way { type filter hook forward priority 0; }")
        self._wire("", "10.9.0")
        for number, place in enumerate(places, 1):
            run("ip", "netns", "add", place)
            self.addresses[place] = self._wire(place, f"10.9.{number}")

    def _router(self, *words: str) -> None:
        run("ip", "netns", "exec", "router", *words)

    def _wire(self, place: str, network: str) -> str:
        """A cable between the router and a place ("": home); returns the place's address."""
        outer, inner = f"to-{place or 'home'}", f"at-{place or 'home'}"
        there = ("-n", place) if place else ()
        ends = ("name", outer, "netns", "router", "type", "veth", "peer", "name", inner)
        run("ip", "link", "add", *ends, *(("netns", place) if place else ()))
        run("ip", *there, "link", "set", "lo", "up")
        run("ip", "-n", "router", "address", "add", f"{network}.1/24", "dev", outer)
        run("ip", "-n", "router", "link", "set", outer, "up")
        run("ip", *there, "address", "add", f"{network}.2/24", "dev", inner)
        run("ip", *there, "link", "set", inner, "up")
        run("ip", *there, "route", "add", "default", "via", f"{network}.1")
        return f"{network}.2"

    @contextmanager
    def at(self, place: str) -> Iterator[str]:
        """Make sockets and processes at a place; its address."""
        descriptor = os.open(NETNS / place, os.O_RDONLY)
        enter(descriptor)
        try:
            yield self.addresses[place]
        finally:
            enter(self._home)
            os.close(descriptor)

    def drop(self, place: str, ways: str = "both", percent: int = 100) -> None:
        """Drop packets to and from a place, or only one way ("to", "from"); no error is sent."""
        chance = "" if percent == 100 else f"numgen random mod 100 < {percent} "
        for way, field in (("to", "daddr"), ("from", "saddr")):
            if ways in (way, "both"):
                rule = f"ip {field} {self.addresses[place]} {chance}drop"
                self._router("nft", f"add rule inet lab way {rule}")

    def narrow(self, place: str, rate: str = "64kbit", latency: str = "400ms") -> None:
        """Let no more than so much go to a place; what must wait longer is lost."""
        shape = ("root", "tbf", "rate", rate, "burst", "2kb", "latency", latency)
        run("tc", "-n", "router", "qdisc", "add", "dev", f"to-{place}", *shape)

    def heal(self) -> None:
        """Drop nothing any more."""
        self._router("nft", "flush chain inet lab way")

    def close(self) -> None:
        """Nothing is left of it, once the last socket at its places is closed."""
        os.close(self._home)
        for place in ("router", *self.addresses):
            run("ip", "netns", "delete", place)
