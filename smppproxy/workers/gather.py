"""Pages of the workers' admin doors as one page of the node's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twisted.internet.defer import gatherResults
from twisted.web.server import NOT_DONE_YET, Request

from smppproxy.admin.access import Access
from smppproxy.admin.door import Shown, finish, headers
from smppproxy.workers.asking import fetch

Made = Callable[[dict[str, bytes]], bytes]
"""From what the workers answered, by their names, to one page."""


class GatheredPage(Shown):
    """A GET that answers what was made of the same page of every worker.

    :param doors: gives the workers' doors by their names.
    :param access: asks who it is; None: everybody may.
    :ivar waiting: the requests that wait for their answer.
    """

    def __init__(
        self,
        reactor: Any,
        page: str,
        kind: bytes,
        doors: Callable[[], Mapping[str, str]],
        made: Made,
        access: Access | None = None,
    ) -> None:
        super().__init__(access)
        self._reactor = reactor
        self._page = page
        self._kind = kind
        self._doors = doors
        self._made = made
        self.waiting: set[Request] = set()

    def show(self, request: Request) -> int:
        """Ask all of them; the answer follows."""
        self.waiting.add(request)
        request.notifyFinish().addBoth(lambda _: self.waiting.discard(request))
        names, doors = [*self._doors()], [*self._doors().values()]
        asked = gatherResults([fetch(self._reactor, door, self._page) for door in doors])

        def answered(pages: list[bytes]) -> None:
            said = {name: page for name, page in zip(names, pages, strict=True) if page}
            octets = self._made(said)
            if request in self.waiting:
                headers(request, 200, self._kind)
                finish(request, octets)

        asked.addCallback(answered)
        return NOT_DONE_YET


def labelled(pages: Iterable[tuple[str, str]]) -> str:
    """Metrics of several processes as one text: each sample says whose it is (``worker``), and
    what belongs to one metric stands together, as Prometheus wants it."""
    families: dict[str, list[str]] = {}
    for name, page in pages:
        # As the format wants the text of a label.
        label = name.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        family: list[str] = []
        for line in page.splitlines():
            if line.startswith("# HELP "):
                family = families.setdefault(line.split(" ", 3)[2], [])
                if not family:
                    family.append(line)
            elif line.startswith("# TYPE "):
                if len(family) == 1:
                    family.append(line)
            elif line:
                family.append(_labelled(line, label))
    return "".join(line + "\n" for family in families.values() for line in family)


def _labelled(line: str, worker: str) -> str:
    """A sample with one label more."""
    brace, space = line.find("{"), line.find(" ")
    if 0 <= brace < space:
        return f'{line[: brace + 1]}worker="{worker}",{line[brace + 1 :]}'
    return f'{line[:space]}{{worker="{worker}"}}{line[space:]}'
