"""One TOML file while it is read: its data, its folder, and the problems found so far."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from smppproxy.config import lines
from smppproxy.config.beside import Refuse
from smppproxy.config.problems import ConfigError, Problem

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLACE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)")


class Source:
    """A file's data, and the list of what is wrong with it.

    `name` is the path as the caller wrote it: it stands in front of each problem. `environ` holds
    the environment variables that `env:NAME` may name.
    """

    def __init__(
        self,
        path: str | Path,
        environ: Mapping[str, str],
        octets: bytes | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        """Raises ConfigError when the file cannot be read or is not TOML.

        With `octets` the text is not read from the disk, and `files` are all that `attached` finds.
        """
        self.name = str(path)
        self.folder = Path(path).absolute().parent
        self.environ = environ
        self.problems: list[Problem] = []
        self.octets = self._read(Path(path)) if octets is None else octets
        #: What `attached` gave, by the names written in the file.
        self.files: dict[str, bytes] = {}
        self._carried = files if octets is not None else None
        text = self._text()
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
            self._lines = lines.Lines(text.replace("\r\n", "\n"))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([self._syntax(str(error), text)]) from None
        except RecursionError:
            raise ConfigError([self._syntax("too many brackets in brackets", text)]) from None
        except ValueError:
            # Python reads no number of thousands of digits; tomllib does not expect that.
            raise ConfigError([self._syntax("a number has too many digits", text)]) from None

    def problem(self, path: lines.Path, text: str, mend: str) -> None:
        """Note that what stands at `path` is wrong."""
        line = self._lines.find(path)
        self.problems.append(Problem(self.name, line, spelled(path), text, mend))

    def refuser(self, path: lines.Path) -> Refuse:
        """What notes problems of the options of one table: (option, text, mend)."""

        def refuse(option: str, text: str, mend: str) -> None:
            self.problem((*path, option), text, mend)

        return refuse

    def warning(self, path: lines.Path, text: str, mend: str) -> Problem:
        """What stands at `path` is allowed and hardly meant."""
        return Problem(self.name, self._lines.find(path), spelled(path), text, mend)

    def raise_problems(self) -> None:
        """Raise ConfigError if any problem was noted."""
        if self.problems:
            raise ConfigError(self.problems)

    def table(self, path: lines.Path, value: object, mend: str) -> dict[str, Any] | None:
        """`value` if it is a table; else None, and a problem."""
        if isinstance(value, dict):
            return value
        self.problem(path, "this is not a table", mend)
        return None

    def tables(self, name: str) -> list[tuple[lines.Path, dict[str, Any]]]:
        """The tables written [[name]], with their paths; a problem for whatever is no table."""
        mend = f"write each of them as a table of its own under a line [[{name}]]"
        value = self.data.get(name, [])
        if not isinstance(value, list):
            self.problem((name,), "this is not a list of tables", mend)
            return []
        found: list[tuple[lines.Path, dict[str, Any]]] = []
        for place, item in enumerate(value):
            table = self.table((name, place), item, mend)
            if table is not None:
                found.append(((name, place), table))
        return found

    def unknown(
        self, path: lines.Path, found: Iterable[str], known: Iterable[str], what: str = "option"
    ) -> None:
        """A problem for each name found that is not known, with the nearest known one."""
        names = sorted(known)
        for name in found:
            if name not in names:
                self.problem((*path, name), f"there is no such {what}", near(name, names))

    def file(self, path: lines.Path, written: str) -> str:
        """The absolute path of a file this file names; a problem when it cannot be read."""
        place = self.folder / written
        try:
            with place.open("rb"):
                pass
        except OSError as error:
            mend = "create it, or mend the path (relative to the file that names it)"
            self.problem(path, f"cannot read {place}: {error.strerror}", mend)
        return str(place)

    def attached(self, path: lines.Path, written: str) -> bytes | None:
        """The octets of a file that goes wherever this file goes, such as a table of prices.

        None, and a problem, when it cannot be read. Secrets and certificates stay where they are:
        they are read with `file`.
        """
        if self._carried is not None:
            octets = self._carried.get(written)
            if octets is None:
                mend = "apply the network file again, with the files that it names"
                self.problem(path, f"{written} was not sent along", mend)
        else:
            known = len(self.problems)
            place = self.file(path, written)
            octets = Path(place).read_bytes() if len(self.problems) == known else None
        if octets is not None:
            self.files[written] = octets
        return octets

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            text, mend = f"cannot read the file: {error.strerror}", "check the path and its rights"
            raise ConfigError([Problem(self.name, 0, "", text, mend)]) from None

    def _text(self) -> str:
        octets = self.octets
        try:
            return octets.decode()
        except UnicodeDecodeError as error:
            line = octets.count(b"\n", 0, error.start) + 1
            problem = Problem(self.name, line, "", "this is not UTF-8", "save the file as UTF-8")
            raise ConfigError([problem]) from None

    def _syntax(self, message: str, text: str) -> Problem:
        place = _PLACE.search(message)
        found = place.group(1) if place else None
        line = int(found) if found else text.rstrip().count("\n") + 1
        said = _PLACE.sub("", message)
        return Problem(self.name, line, "", f"not valid TOML: {said}", _syntax_mend(said))


def raise_found(file: str | Path, found: Iterable[tuple[lines.Path, str, str]]) -> None:
    """Raise ConfigError for what was found beside a file that was read before and is good.

    `found` holds the path of an option, what is wrong with it and how to mend that.
    """
    wrong = [*found]
    if wrong:
        source = Source(file, {})
        for each in wrong:
            source.problem(*each)
        source.raise_problems()


def near(name: str, known: Iterable[str]) -> str:
    """A mend for a wrong name: the nearest known one, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    if not names:
        return "none is defined in this file"
    return f"known are {', '.join(names)}"


def spelled(path: lines.Path) -> str:
    """A path as people write it; list items count from 1: route[2].targets[1]."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step + 1}]"
            continue
        name = step if _BARE.fullmatch(step) else json.dumps(step, ensure_ascii=False)
        text += f".{name}" if text else name
    return text


def _syntax_mend(message: str) -> str:
    if "twice" in message or "overwrite" in message or "Duplicate" in message:
        return "give each table and each option of a table its own name, once"
    if message.startswith("Invalid value"):
        return 'put text in quotes, e.g. name = "acme"; numbers, true and false go without'
    return "write option = value on one line, below the [table] it belongs to"
