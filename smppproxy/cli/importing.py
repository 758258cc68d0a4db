"""`smppproxy import`: another gateway's settings as a network file."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from smppproxy.config.importers import Draft


@click.group("import")
def importing() -> None:
    """Make a network file of another gateway's settings, and say what it could not carry.

    Passwords of clients become argon2id lines. Passwords of providers become references: to files
    below --secrets-folder, or else to environment variables, whose names are told. Look at the
    result before you apply it: smppproxy check --network FILE

    \b
    smppproxy import kannel /etc/kannel/kannel.conf -o network.toml
    smppproxy import jasmin jcli.txt -o network.toml
    """


_OUTPUT = click.option("-o", "--output", metavar="FILE", help="Write here; default: show it.")
_SECRETS = click.option(
    "--secrets-folder",
    metavar="FOLDER",
    help="Write the providers' passwords here, one file each that only you can read.",
)


@importing.command()
@click.argument("file", metavar="KANNEL.CONF", type=click.Path(exists=True, dir_okay=False))
@_OUTPUT
@_SECRETS
def kannel(file: str, output: str | None, secrets_folder: str | None) -> None:
    """Kannel's bearerbox, its sendsms-users, and opensmppbox with its logins.

    Groups smsc with one smsc-id become the hosts of one provider. Exit status 0, or 1 when the
    network file is not good as it stands; what could not be carried is told in any case.

    \b
    smppproxy import kannel /etc/kannel/kannel.conf -o network.toml --secrets-folder secrets
    """
    from smppproxy.config.importers import import_kannel

    _finish(import_kannel(file, _text(Path(file)), _included), output, secrets_folder)


@importing.command()
@click.argument("file", metavar="JCLI.TXT", type=click.Path(exists=True, dir_okay=False))
@_OUTPUT
@_SECRETS
def jasmin(file: str, output: str | None, secrets_folder: str | None) -> None:
    """Jasmin's connectors, users, groups and routes, from its console.

    JCLI.TXT is a script of jcli (smppccm -a ... ok), or what it shows: smppccm -s CID and user -s
    UID, and the lists of user -l, group -l, smppccm -l, mtrouter -l and morouter -l, in one file.
    Jasmin's own files are pickles, which run what they hold: they are never read. Exit status as
    for kannel.

    \b
    smppproxy import jasmin jcli.txt -o network.toml --secrets-folder secrets
    """
    from smppproxy.config.importers import import_jasmin

    _finish(import_jasmin(file, _text(Path(file))), output, secrets_folder)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _included(name: str, by: str) -> list[tuple[str, str]]:
    """An included file, or every file of a folder in order; relative to the file that names it."""
    path = Path(name)
    if not path.is_absolute():
        beside = Path(by).parent / path
        path = beside if beside.exists() else path
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    return [(str(each), _text(each)) for each in files]


class _Kept:
    """Where the providers' passwords go: files that only their owner reads, or the environment."""

    def __init__(self, folder: str | None, output: str | None) -> None:
        self._folder = Path(folder) if folder else None
        self._base = Path(output).absolute().parent if output else Path.cwd()
        self.variables: dict[str, str] = {}
        self.files: list[str] = []

    def keep(self, name: str, password: str) -> str:
        """Part of ``Secrets``."""
        if self._folder is None or not password:
            variable = re.sub(r"\W", "_", name, flags=re.ASCII).upper() + "_PASSWORD"
            if variable[0].isdigit():  # no shell takes that, nor systemd
                variable = f"PROVIDER_{variable}"
            while self.variables.get(variable, password) != password:
                variable += "_"  # of a name that differs by what a variable cannot hold
            self.variables[variable] = password
            return f"env:{variable}"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / re.sub(r"[^\w.-]", "_", name)
        try:
            # Never through what somebody else has put there.
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            mend = "remove it, or give another folder"
            raise click.ClickException(f"{path} is there already; {mend}") from None
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(password + "\n")
        self.files.append(str(path))
        return f"file:{os.path.relpath(path.absolute(), self._base)}"


def _finish(draft: Draft, output: str | None, folder: str | None) -> None:
    """Write the file, tell what is to be done, check it."""
    import argon2

    from smppproxy.config.importers import write

    if not draft.accounts and not draft.providers:
        _tell(draft, _Kept(None, None))
        raise click.ClickException("there is nothing in it that could be carried")
    if output is not None and Path(output).exists():
        # Before any secret is written.
        raise click.ClickException(f"{output} is there already; give another name")
    # As `smppproxy password` makes them (F46).
    hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    kept = _Kept(folder, output)
    text = write(draft, kept, hasher.hash)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(Path(output), text)
    _tell(draft, kept)
    good = _is_good(text, kept, Path(output).parent if output else Path.cwd())
    if good and output is not None:
        click.echo(f"ok: {output}; smppproxy check --network {output} says more", err=True)
    sys.exit(0 if good else 1)


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None


def _tell(draft: Draft, kept: _Kept) -> None:
    for note in draft.notes:
        click.echo(f"not carried: {note}", err=True)
    clear = sum(account.password is not None for account in draft.accounts.values())
    if clear:
        what = "password of a client" if clear == 1 else "passwords of clients"
        click.echo(
            f"warning: {clear} {what} stood there in clear: the new file has hashes only, and "
            "whoever could read the old one still knows what it said",
            err=True,
        )
    for path in kept.files:
        click.echo(f"secret: {path}", err=True)
    for variable, password in kept.variables.items():
        what = "a provider's password" if password else "a secret that was not shown"
        click.echo(f"secret: set {variable} ({what}) before the node starts", err=True)


def _is_good(text: str, kept: _Kept, folder: Path) -> bool:
    """Whether the file can be used, with the secrets that it still lacks set to something."""
    from tempfile import NamedTemporaryFile

    from smppproxy.config import ConfigError, load_network

    stub = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$" + "A" * 43
    environ = {name: password or stub for name, password in kept.variables.items()}
    # Beside the result: references to files are relative to it.
    with NamedTemporaryFile("w", suffix=".toml", dir=folder or ".", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        try:
            load_network(file.name, environ)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(str(problem).replace(file.name, "the new file"), err=True)
            return False
    return True
