"""The examples of the manual that need no running node: each kind is tried in its way."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from smppproxy.cli import main
from smppproxy.config import load_network, load_node
from tests.docs import DOCS
from tests.docs.building import ROOT
from tests.etc.monitoring import asked, grouped, series

HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$s+RL4oNIKP9ry/0ejq0WVA"
    "$1jPs8oeMz47BKah5PeOSpmGnXi560u4JW3QaoEpP0h4"
)
NAMED_FILE = re.compile(r'"([\w./-]+\.(?:crt|key|pem|csv|token|password))"')
VARIABLE = re.compile(r"env:(\w+)")

Example = dict[str, Any]


def node_file(example: Example, folder: Path) -> None:
    """A node file, or a part of one, which is made whole."""
    text = example["text"]
    data = tomllib.loads(text)
    if "name" not in example["wanted"]:
        if "node" not in data:
            text += '\n[node]\nname = "node1"\n'
        if "listener" not in data:
            text += '\n[[listener]]\naddress = "127.0.0.1"\nport = 2775\n'
    _with_files(text, folder)
    network = data.get("node", {}).get("network_file")
    if network:
        (folder / network).touch()
    path = folder / "node.toml"
    path.write_text(text)
    # A token has sixteen octets at least.
    load_node(path, {name: f"the-value-of-{name}" for name in VARIABLE.findall(text)})


def network_file(example: Example, folder: Path) -> None:
    """A network file, or a part of one: what it names and does not have is added."""
    text = example["text"]
    if "name" not in example["wanted"]:
        text = _whole(text + "\n")
    _with_files(text, folder)
    path = folder / "network.toml"
    path.write_text(text)
    load_network(path, dict.fromkeys(VARIABLE.findall(text), "secret"))


def _whole(text: str) -> str:
    """The text with what every provider and account must say, and what routes name."""
    data = tomllib.loads(text)
    routes = [target for route in data.get("route", ()) for target in route.get("targets", ())]
    providers = {each if isinstance(each, str) else each["provider"] for each in routes}
    accounts = {each for route in data.get("route", ()) for each in route.get("accounts", ())}
    for route in data.get("mo_route", ()):
        providers |= {*route.get("providers", ())}
        accounts |= {route.get("account", ""), *route.get("accounts", ())} - {""}
    accounts |= {*data.get("account", {})}
    for name in sorted(accounts or {"demo"}):
        if "password" not in data.get("account", {}).get(name, {}):
            text = _with(text, f"[account.{name}]", f'password = "{HASH}"')
    for number, name in enumerate(sorted(providers | {*data.get("provider", {})})):
        written = data.get("provider", {}).get(name, {})
        if "password" not in written:
            text = _with(text, f"[provider.{name}]", 'system_id = "x"\npassword = "x"')
        if "host" not in written and "preset" not in written:
            address = f'address = "127.0.0.1"\nport = {2901 + number}'
            text = _with(text, f"[provider.{name}.host.a]", address)
    return text


def _with(text: str, head: str, lines: str) -> str:
    """The text with lines below a head, which is put behind it where it is not there."""
    if f"{head}\n" in text:
        return text.replace(f"{head}\n", f"{head}\n{lines}\n")
    return f"{text}\n{head}\n{lines}\n"


def _with_files(text: str, folder: Path) -> None:
    """What the text names lies beside it."""
    for name in NAMED_FILE.findall(text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sample = ROOT / "etc" / path.name
        path.write_bytes(sample.read_bytes() if sample.exists() else b"0123456789abcdef\n")


def json_text(example: Example, folder: Path) -> None:
    """JSON."""
    json.loads(example["text"])


def promql(example: Example, folder: Path) -> None:
    """A question whose metrics and labels there are."""
    known = series()
    found = list(asked(example["text"]))
    assert found, "it asks for no metric of ours"
    for name, labels in found:
        assert name in known, f"there is no {name}"
        assert labels <= known[name], f"{name} has no {labels - known[name]}"
    everything = frozenset().union(*known.values())
    assert grouped(example["text"]) <= everything, "it groups by a label that nothing has"


def help_examples(example: Example, folder: Path) -> None:
    """Command lines that the command line takes."""
    for line in example["text"].splitlines():
        command = re.split(r"   | > | \| ", line.partition(" #")[0])[0].strip()
        if command.startswith("smppproxy "):
            try:
                parsed(shlex.split(command)[1:])
            except click.BadParameter as error:
                # A reader's own file.
                if "does not exist" not in str(error):
                    raise


def parsed(words: list[str]) -> None:
    """Nothing is run; click.UsageError says what is wrong with it."""
    command: click.Command = main
    context = click.Context(main, info_name="smppproxy")
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
        context = click.Context(command, parent=context, info_name=name)
    command.make_context(context.info_name, words, parent=context.parent)


def picture(example: Example, folder: Path) -> None:
    """No example: it fits on a page, and is plain text."""
    for line in example["text"].splitlines():
        assert len(line) <= 92, line
        assert not line.lstrip().startswith("$ "), line


def usage(example: Example, folder: Path) -> None:
    """What click says of a command; it begins with one."""
    words = example["text"].split()
    assert words[0] == "smppproxy", f"{words[0]} is no command of ours"


TRIED: dict[str, Callable[[Example, Path], None]] = {
    "node-file": node_file,
    "network-file": network_file,
    "json": json_text,
    "promql": promql,
    "examples": help_examples,
    "drawing": picture,
    "usage": usage,
}
"""How each kind is tried that needs no running node. Only ``console`` does."""


def place(example: Example) -> str:
    """Where an example stands."""
    return f"{DOCS.name}/{example['page']}.rst, near line {example['line']}"
