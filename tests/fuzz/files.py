"""Targets of files: what an operator wrote, or a disk garbled."""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from smppproxy.admin.message_log.cdr import Reading
from smppproxy.admin.message_log.search import Search
from smppproxy.config import ConfigError, Network, Node, load_node
from smppproxy.config.bundle import Bundle
from smppproxy.config.network import unbundle
from tests.fuzz.feed import Feed

FOLDER = Path(__file__).parent
ETC = FOLDER.parent.parent / "etc"

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)

SECRET = "hunter2-hunter2-hunter2"
"""The value of every secret that a fuzzed file may name."""

LOGIN = b"redis://u:%b@" % SECRET.encode()
"""Where a node file may have it itself; in its name, say, it would be no secret."""

ENVIRON = {"TOKEN": SECRET, "BETA_PASSWORD": SECRET, "ACME": SECRET}


def node_file(data: bytes) -> None:
    """A node, or problems that each name a line, a mend, and no secret."""
    if SECRET.encode() in data.replace(LOGIN, b""):
        return
    folder = Path(mkdtemp(prefix="smppproxy-fuzz-"))
    try:
        path = folder / "node.toml"
        path.write_bytes(data)
        (folder / "network.toml").touch()
        (folder / "tls.pem").touch()
        with _complaints():
            shown(load_node(path, ENVIRON))
    finally:
        shutil.rmtree(folder)


def network_file(data: bytes) -> None:
    """A network, or problems that each name a line, a mend, and no secret."""
    files = {name: (ETC / name).read_bytes() for name in ("mobile.csv", "prices.csv")}
    with _complaints():
        shown(unbundle(Bundle("network.toml", data, files), "/nonexistent", ENVIRON))


class _complaints(contextlib.suppress):  # noqa: N801 - reads as a context manager
    """Problems are an answer; each says what, where and what to do."""

    def __init__(self) -> None:
        super().__init__(ConfigError)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        if isinstance(error, ConfigError):
            assert error.problems, "nothing is wrong"
            for problem in error.problems:
                assert problem.text and problem.mend, problem
                assert SECRET not in str(problem), "a secret in a problem"
        return bool(super().__exit__(kind, error, traceback))


def shown(what: Node | Network) -> None:
    """A secret is in no repr."""
    assert SECRET not in repr(what), "a secret in a repr"


def message_log(data: bytes) -> None:
    """Lines that nobody of us wrote are stepped over; a damaged file tells what it still has."""
    feed = Feed(data)
    packed, damage = feed.number(4), feed.number(4096)
    octets = feed.rest()
    good = json.dumps({"event": "accepted", "client_message_id": "1", "time": "x"}).encode()
    content = good + b"\n" + octets + b"\n"
    folder = Path(mkdtemp(prefix="smppproxy-fuzz-"))
    try:
        if packed:
            content = gzip.compress(content, 1, mtime=0)
            content = content if packed == 1 else _damaged(content, damage, octets)
        name = "messages-00000001-20260101T000000Z.jsonl" + (".gz" if packed else "")
        (folder / name).write_bytes(content)
        found = Search(str(folder)).run(["1", "447009"], 10)
        if packed < 2:
            assert found.events, "a good line was not found"
        for event in found.events:
            assert isinstance(event, dict), event
        for record in Reading([str(folder)], BEGIN, END).records(lambda file: None):
            assert record.submit_time is None or record.submit_time >= BEGIN, record
    finally:
        shutil.rmtree(folder)


def _damaged(content: bytes, at: int, octets: bytes) -> bytes:
    at = at % (len(content) + 1)
    return content[:at] + octets[:16] + content[at + 16 :]
