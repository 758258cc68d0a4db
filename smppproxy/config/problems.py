"""What is wrong with a file: every problem at once, each with its place and its mend."""

from collections.abc import Iterable

import attrs


@attrs.define(order=True)
class Problem:
    """One thing to mend. `line` counts from 1; 0 means the file as a whole."""

    file: str
    line: int
    #: Where it stands, e.g. provider.acme.window; "" when it is no single option.
    option: str
    text: str
    mend: str

    def __str__(self) -> str:
        """`etc/network.toml:14: provider.acme.window: what is wrong; what to write`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        option = f"{self.option}: " if self.option else ""
        return f"{place}: {option}{self.text}; {self.mend}"


class ConfigError(Exception):
    """A file cannot be used. `problems` holds all that is wrong, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
