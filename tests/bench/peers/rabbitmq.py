"""RabbitMQ for Jasmin: Debian's, unpacked in the build folder, on ports of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.bench.peers.packages import debian, relocated
from tests.bench.peers.system import Folder
from tests.support.ports import free_port, listens

_ERLANG = (
    "asn1 base crypto eldap ftp inets mnesia os-mon parsetools public-key runtime-tools snmp ssl "
    "syntax-tools tftp tools xmerl"
)
PACKAGES = ("rabbitmq-server", *(f"erlang-{name}" for name in _ERLANG.split()))
_ERL = "/usr/lib/erlang"


def unpacked() -> Path:
    """The root of it. Raises `Unavailable`."""
    root = debian("rabbitmq", PACKAGES)
    for script in (root / _ERL[1:]).glob("**/bin/erl"):
        relocated(script, _ERL, root)
    return root


def version(root: Path) -> dict[str, str]:
    """Of the broker and of what runs it."""
    server = next((root / "usr/lib/rabbitmq/lib").iterdir()).name.rpartition("-")[2]
    erlang = next((root / _ERL[1:] / "releases").glob("*/OTP_VERSION")).read_text().strip()
    return {"rabbitmq": server, "erlang": erlang}


def start(folder: Folder, root: Path) -> int:
    """Start the broker; its port, once it listens."""
    ports = {name: free_port() for name in ("node", "dist", "epmd")}
    home = folder.path / "rabbitmq"
    home.mkdir()
    erlang = root / _ERL[1:] / "bin"
    config = home / "rabbitmq.conf"
    config.write_text(f"listeners.tcp.1 = 127.0.0.1:{ports['node']}\nlog.console.level = error\n")
    (home / "enabled_plugins").write_text("[].\n")
    environ = {
        "PATH": f"{erlang}:/usr/bin:/bin",
        "HOME": str(home),
        "ERL_EPMD_PORT": str(ports["epmd"]),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "peers@localhost",
        "RABBITMQ_DIST_PORT": str(ports["dist"]),
        "RABBITMQ_CONFIG_FILE": str(config),
        "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(home / "pid"),
    }
    # Ours, so that it ends with the rest: whoever finds none starts one that stays.
    folder.run("epmd", [str(erlang / "epmd"), "-port", str(ports["epmd"])], environ)
    folder.until("epmd", partial(listens, ports["epmd"]), "epmd does not listen")
    server = next((root / "usr/lib/rabbitmq/lib").iterdir()) / "sbin" / "rabbitmq-server"
    folder.run("rabbitmq", [str(server)], environ)
    folder.until("rabbitmq", partial(listens, ports["node"]), "RabbitMQ does not listen")
    return ports["node"]
