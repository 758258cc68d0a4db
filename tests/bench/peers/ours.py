"""Our own node, as `make bench` has it: everything durable, message log and metrics on."""

from __future__ import annotations

from importlib.metadata import version

from tests.bench.peers.reckoning import US
from tests.bench.peers.system import SmppSystem
from tests.bench.rig import Rig, Setup


class Ours(SmppSystem):
    """One node process, the writer of its message log, its private append-only store."""

    name = US
    what = US
    configuration = (
        "one node process; embedded store with its append-only file; message log and metrics on"
    )

    def __init__(self) -> None:
        super().__init__()
        self._rig: Rig | None = None
        self.versions = {name: version(name) for name in ("smppproxy", "Twisted")}

    def start(self) -> None:
        """Start node and hosts."""
        self._rig = Rig(Setup(log=True))
        self._rig.start()
        self._rig.ready()
        self.port = self._rig.port

    def pids(self) -> dict[str, list[int]]:
        """Node, log, store, and the hosts as ``provider``."""
        assert self._rig is not None
        return self._rig.pids()

    def stop(self) -> None:
        """End node and hosts."""
        if self._rig is not None:
            self._rig.stop()
            self._rig = None
