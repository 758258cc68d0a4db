"""A browser in a thread of its own: what it shows, and what it complains about."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread

from tests.support.nodes import reactor
from tests.support.screenshots import kept

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

LOOKS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light"},
}

PATIENCE = 60_000
"""Milliseconds that anything on a page may take: a busy machine is slow, not wrong."""

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
GRAVE = ("serious", "critical")


class Visit:
    """A page in a browser.

    :ivar page: Playwright's.
    :ivar expected: words of complaints that belong to the test.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.pages[0]
        self.expected: list[str] = []
        self._origin = "/".join(url.split("/")[:3])
        self._complaints: list[str] = []
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._complaints.append(f"error: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:", "blob:")):
            self._complaints.append(f"asks elsewhere: {request.url}")

    @property
    def complaints(self) -> list[str]:
        """Errors, warnings, broken policies and requests to others, but for the expected ones."""
        return [
            each for each in self._complaints if not any(word in each for word in self.expected)
        ]

    def go(self, address: str) -> None:
        """To one of the page's own addresses; until it shows what the node said."""
        self.page.evaluate("address => { location.hash = address; }", f"#/{address}")
        self.page.wait_for_selector('main[aria-busy="false"]')

    def see(self, text: str, within: str = "body") -> None:
        """Wait until this can be read."""
        found = self.page.locator(within).filter(has_text=text).first
        found.wait_for(state="attached")

    def press_until(self, name: str, text: str) -> None:
        """A button, again and again, until the page tells this."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not self.page.locator("main", has_text=text).count():
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} never showed {text}")
            self.page.get_by_role("button", name=name, exact=True).click()
            self.page.wait_for_timeout(200)
            self.page.wait_for_selector('main[aria-busy="false"]')

    def press(self, *keys: str) -> None:
        """Keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> str:
        """What a screen reader would call the element that has the focus."""
        name: str = self.page.evaluate(
            "() => { const e = document.activeElement;"
            " return e.getAttribute('aria-label') || e.innerText || e.id || e.tagName; }"
        )
        return " ".join(name.split())

    def tab_to(self, name: str) -> None:
        """The Tab key until what has this name has the focus."""
        for _ in range(200):
            self.press("Tab")
            if self.focused() == name:
                return
        raise AssertionError(f"no way to {name} with the Tab key; the last is {self.focused()}")

    def picture(self, name: str) -> None:
        """A screenshot of the whole page."""
        self.page.screenshot(path=kept(f"{name}.png"), full_page=True)

    def colours(self, scheme: Literal["light", "dark"]) -> None:
        """Until the page is in these colours, charts too."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_function(
            "scheme => getComputedStyle(document.documentElement).colorScheme === scheme",
            arg=scheme,
        )
        # The page hears of it before the next frame, and draws its charts anew.
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def faults(self) -> list[str]:
        """What axe finds that keeps people out, serious or critical."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{each['id']} ({each['impact']}): {json.dumps(node['target'])} {node['html'][:160]}"
            for each in found["violations"]
            for node in each["nodes"]
            if each["impact"] in GRAVE
        ]

    def overflows(self) -> bool:
        """Whether the page is wider than what shows it."""
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide


@contextmanager
def visit(url: str, look: str = "desk", **options: Any) -> Iterator[Visit]:
    """A browser of its own that shows this address; in the calling thread, which it blocks."""
    program = shutil.which("chromium")
    if program is None:
        raise FileNotFoundError("chromium is missing: run tests/web/install")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        sync_playwright() as playwright,
    ):
        context = playwright.chromium.launch_persistent_context(
            folder,
            executable_path=program,
            args=[*FLAGS],
            headless=True,
            timeout=3 * PATIENCE,
            **(LOOKS[look] | options),
        )
        try:
            seen = Visit(context, url)
            seen.page.goto(url)
            yield seen
        finally:
            context.close()


def apart(walk: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    """Run what blocks in a thread, while the nodes of the test go on in the reactor's."""
    return deferToThread(walk, *arguments)


def there(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call in the reactor's thread, from a walk; its result, awaited."""
    return blockingCallFromThread(reactor, call, *arguments)
