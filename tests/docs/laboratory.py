"""Where the examples of all pages but the tutorial are tried: two nodes on one store, three
providers of which one writes ids in two ways and one is away, and two clients."""

from __future__ import annotations

from pathlib import Path

from tests.docs.console import Command, Shell

FILES = Path(__file__).parent / "lab"

TERMINALS = (
    ("twistd --pidfile=var/node1.pid -n smppproxy -c etc/smppproxy.toml", "store is ready"),
    ("twistd --pidfile=var/node2.pid -n smppproxy -c etc/node2.toml", "store is ready"),
    ("smppproxy simulate smsc --port 2901 --port 2902 --receipt-delay 0.2", "host b"),
    ("smppproxy simulate smsc --port 2903 --receipt-id-format hex", "host a"),
)

CLIENT = "smppproxy simulate esme --password sesame"
BINDS = ("acme/a/1", "acme/b/1", "beta/a/1")


def laboratory() -> Shell:
    """All of it running: the network is version 1, both nodes are bound."""
    shell = Shell()
    try:
        _start(shell)
    except BaseException:
        shell.close()
        raise
    return shell


def _start(shell: Shell) -> None:
    (shell.folder / "var").mkdir()
    for path in FILES.iterdir():
        shell.write(f"etc/{path.name}", path.read_text().replace("FOLDER", str(shell.folder)))
    shell.environment["SMPPPROXY_READ"] = "0123456789abcdef"
    for line, until in TERMINALS:
        shell.leave(Command(line), until)
    shell.run(Command("smppproxy apply --yes -m 'the first one'"))
    bound = "...".join(f"provider {bind} trx bound" for bind in BINDS * 2)
    shell.run(Command("smppproxy show binds", [f"...{bound}..."]), patient=True)
    # What crm's receivers would take waits for one; of beta's ids those from 10 on do not fit.
    _submit(shell, "crm", "46701", "tx", "accounts crm", 30)
    _submit(shell, "shop", "4520", "trx", "providers beta", 30)
    for view, count in (("orphans", 10), ("parked", 11)):
        counted = f"smppproxy show {view} beta --json | grep -c number"
        shell.run(Command(f"test $({counted}) -eq {count}"), patient=True)
    line = f"{CLIENT} --system-id shop --count 0 --rate 5"
    shell.leave(Command(line), "bound to")


def _submit(shell: Shell, account: str, prefix: str, bind: str, view: str, count: int) -> None:
    """Messages of a client that does not wait for their receipts, until all are accepted."""
    line = f"{CLIENT} --system-id {account} --bind {bind} --prefix {prefix} --count {count}"
    shell.leave(Command(f"{line} --drain 0.1"), "bound to")
    accepted = f"smppproxy show {view} --sum --json | grep '\"accepted\": {count},'"
    shell.run(Command(accepted), patient=True)
    shell.background.pop().end()
