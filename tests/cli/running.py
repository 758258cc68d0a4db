"""Runs the command in this process."""

from click.testing import CliRunner, Result
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.threads import deferToThread

from smppproxy.cli import main
from smppproxy.service import SmppProxy
from tests.support.doors import DoorCase


def run(*arguments: str, stdin: str = "") -> Result:
    """The command, run in this process."""
    return CliRunner().invoke(main, arguments, input=stdin)


async def ask(node: SmppProxy, *arguments: str, **environ: str | None) -> Result:
    """The command in a thread of its own, with the node's admin door in its environment."""
    environ.setdefault("SMPPPROXY_ADMIN", node.node.admin.path)
    environ.setdefault("SMPPPROXY_TOKEN", None)
    return await deferToThread(CliRunner().invoke, main, arguments, env=environ)


class CommandCase(DoorCase):
    """Commands that ask a node of this process."""

    async def told(self, node: SmppProxy, *arguments: str, code: int = 0) -> str:
        """What the command prints; it ends with this status."""
        result = await ask(node, *arguments)
        self.assertEqual(result.exit_code, code, result.output)
        return result.output

    def told_later(self, node: SmppProxy, *arguments: str) -> Deferred[str]:
        """The same, while the test goes on."""
        return ensureDeferred(self.told(node, *arguments))
