"""Reads samples and loads what was made of them, as the node itself would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from smppproxy.config import Network, load_network
from smppproxy.config.importers import Draft, import_jasmin, import_kannel, write

SAMPLES = Path(__file__).with_name("samples")
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$" + "A" * 43


class Kept:
    """Every secret in a variable."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}

    def keep(self, name: str, password: str) -> str:
        """Part of ``Secrets``."""
        variable = f"P{len(self.variables)}"
        self.variables[variable] = password or HASH
        return f"env:{variable}"


def files(tree: Mapping[str, str], name: str) -> list[tuple[str, str]]:
    """Included files out of a mapping; a name that ends with / is a folder."""
    found = [(path, text) for path, text in sorted(tree.items()) if path == name]
    found = found or [each for each in sorted(tree.items()) if each[0].startswith(name + "/")]
    if not found:
        raise FileNotFoundError(2, "No such file or directory", name)
    return found


def kannel(text: str, **tree: str) -> Draft:
    """The draft of a kannel.conf; the others are files that it may name, _ for a dot."""
    named = {name.replace("_", "."): each for name, each in tree.items()}
    return import_kannel("kannel.conf", text, lambda name, by: files(named, name))


def smsc(*lines: str, **options: str) -> str:
    """A group smsc that is complete; options by their names with _ for -."""
    values = {
        "smsc": "smpp",
        "smsc-id": "acme",
        "host": "192.0.2.1",
        "port": "2775",
        "transceiver-mode": "true",
        "smsc-username": "us",
        "smsc-password": "pw",
        **{name.replace("_", "-"): each for name, each in options.items()},
    }
    body = "\n".join(f"{name} = {each}" for name, each in values.items())
    return "\n".join(["group = smsc", body, *lines, "", ""])


def jasmin(text: str) -> Draft:
    """The draft of a console script."""
    return import_jasmin("jcli.txt", text)


def loaded(draft: Draft, folder: Path) -> Network:
    """The network that a draft becomes; it must be good."""
    kept = Kept()
    text = write(draft, kept, lambda password: HASH)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.toml").write_text(text)
    return load_network(folder / "network.toml", kept.variables)


def notes(draft: Draft) -> str:
    """What could not be carried, a line each."""
    return "\n".join(map(str, draft.notes))
