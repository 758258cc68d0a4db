"""Runs the command in this process."""

from click.testing import CliRunner, Result

from smppproxy.cli import main


def run(*arguments: str, stdin: str = "") -> Result:
    """The command, run in this process."""
    return CliRunner().invoke(main, arguments, input=stdin)
