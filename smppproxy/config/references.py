"""Values that stand elsewhere: `env:NAME` and `file:PATH` for secrets, and the store's address."""

import os.path
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path as FilePath
from urllib.parse import urlsplit

from smppproxy.config.lines import Path
from smppproxy.config.problems import Problem
from smppproxy.config.source import Source, near

_SEVERAL = "HOST:PORT,HOST:PORT,HOST:PORT/NAME"
_PLACES = {
    "redis+unix": "/run/redis.sock", "redis+sentinel": _SEVERAL, "redis+cluster": _SEVERAL,
}  # fmt: skip
"""What stands behind a scheme; ``HOST:PORT/0`` for all others."""

_SCHEMES = (
    "embedded",
    "redis",
    "redis+cluster",
    "redis+sentinel",
    "redis+unix",
    "rediss",
)


def secret(source: Source, path: Path, written: object) -> bytes | None:
    """The octets of a secret, `env:` and `file:` followed; None after noting what is wrong.

    A file's last line end does not count. Neither value nor file content is ever repeated.
    """
    if not isinstance(written, str):
        source.problem(path, "the value is not text", 'write "env:NAME" or "file:PATH" in quotes')
        return None
    if written.startswith("env:"):
        return _of_environment(source, path, written[4:])
    if written.startswith("file:"):
        return _of_file(source, path, written[5:])
    if not written:
        source.problem(path, "the value is empty", 'write "env:NAME" or "file:PATH" in quotes')
        return None
    return written.encode()


def exposed(file: str | FilePath) -> Iterator[Problem]:
    """Files with secrets that a good file names and everybody on this machine may read.

    A group may read them: so the owner lets in who the node runs as.
    """
    source = Source(file, {})
    for path, written in _texts((), source.data):
        if not written.startswith("file:") and path[-1] != "key":
            continue
        place = source.folder / written.removeprefix("file:")
        with suppress(OSError):
            if place.stat().st_mode & stat.S_IROTH:
                text = f"everybody on this machine may read {place}"
                yield source.warning(path, text, f"run chmod o= {place}")


def _texts(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    """Every text below, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts((*path, name), each)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _texts((*path, place), each)


def is_reference(written: object) -> bool:
    """Whether a secret stands elsewhere."""
    return isinstance(written, str) and written.startswith(("env:", "file:"))


def store_url(source: Source, path: Path, written: str) -> str | None:
    """The store's address with `env:NAME:DEFAULT` followed; None after noting what is wrong.

    An embedded store's relative folder is taken from the file's own folder, or from the working
    directory when the variable names it. The address may hold a password: it is never repeated.
    """
    url, folder = written, source.folder
    if written.startswith("env:"):
        name, _, url = written[4:].partition(":")
        found = source.environ.get(name, "")
        if found:
            url, folder = found, FilePath.cwd()
        elif not url:
            mend = f"set it, or write a default: env:{name or 'NAME'}:embedded:///var/lib/smppproxy"
            source.problem(path, f"the environment variable {name} is not set", mend)
            return None
    return _checked(source, path, url, folder)


def _checked(source: Source, path: Path, url: str, folder: FilePath) -> str | None:
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in _SCHEMES:
        known = "known are " + ", ".join(f"{name}:" for name in _SCHEMES)
        mend = near(f"{scheme}:", [f"{name}:" for name in _SCHEMES]) if colon else known
        source.problem(path, "this is not the address of a store", mend)
        return None
    if scheme == "embedded":
        place = rest.removeprefix("//")
        if not place:
            mend = "write embedded:///var/lib/smppproxy, or embedded:PATH for a relative one"
            source.problem(path, "the embedded store has no folder", mend)
            return None
        return f"embedded://{os.path.normpath(folder / place)}"
    try:
        parts = urlsplit(url)
        here = parts.netloc or (scheme == "redis+unix" and parts.path)
    except ValueError:
        here = False
    if not here:
        mend = f"write {scheme}://{_PLACES.get(scheme, 'HOST:PORT/0')}"
        source.problem(path, "the address of the store has no host", mend)
        return None
    return url


def _of_environment(source: Source, path: Path, name: str) -> bytes | None:
    value = source.environ.get(name, "")
    if value:
        return value.encode("utf-8", "surrogateescape")
    mend = f"set {name or 'NAME'} before smppproxy starts, or use file:PATH"
    source.problem(path, f"the environment variable {name} is not set or empty", mend)
    return None


def _of_file(source: Source, path: Path, written: str) -> bytes | None:
    known = len(source.problems)
    place = source.file(path, written)
    if len(source.problems) > known:
        return None
    value = FilePath(place).read_bytes().removesuffix(b"\n").removesuffix(b"\r")
    if not value:
        source.problem(path, f"the file {place} is empty", "write the secret into it, on one line")
        return None
    return value
