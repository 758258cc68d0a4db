"""Every page on a desk and on a phone, light and dark: what it shows, and that all can read it."""

from __future__ import annotations

from typing import Literal

from smppproxy.simulator.smsc import Smsc
from tests.support.doors import asynchronous
from tests.web.browser import Visit, apart, there
from tests.web.cases import WebCase

PAGES = {
    "": ("Throughput", "What needs a look", "acme"),
    "binds": ("Sessions of clients", "To providers", "acme"),
    "providers": ("acme/a", "127.0.0.1"),
    "accounts": ("What waits for them", "shop", "bank"),
    "trace": ("Trace a message",),
    "report": ("Traffic report", "ESME_ROK"),
    "explain?account=bank&destination=4670112345678": ("goes to acme", "Routes in force"),
    "network": ("Versions, the newest first", "in force", "node1"),
    "ledger": ("adds up", "Messages from mobiles for nobody"),
    "help": ("ssh -L", "Keyboard"),
}
"""By its address, what each page must tell of a node that carried messages."""

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class PageTests(WebCase):
    """One walk through all pages for each size of screen."""

    async def seen(self, look: str) -> None:
        """Each page shows its facts, keeps nobody out, does not scroll sideways, and the browser
        complains of nothing; a picture of each is kept."""
        smsc, node = await self.carried()
        self.client(node, system_id=b"bank", password=b"bank", rate=40.0)
        await apart(self.walk, look, smsc)

    def walk(self, look: str, smsc: Smsc) -> None:
        """In the browser's thread."""
        with self.look(look=look) as seen:
            seen.see("Throughput")
            there(smsc.crash, "b")
            seen.see("acme/b/1", ".attention")
            self.trace(seen, look)
            self.dialog(seen, look)
            # The first page is the last: by then there is something to draw.
            for address, texts in reversed(PAGES.items()):
                seen.go(address)
                self.page(seen, look, address, texts)
            self.fine(seen)

    def page(self, seen: Visit, look: str, address: str, texts: tuple[str, ...]) -> None:
        """One of them."""
        if address == "report":
            # The store counts the hours some seconds after the messages.
            seen.press_until("Show", texts[-1])
        for text in texts:
            seen.see(text, "main")
        self.kept(seen, look, address.partition("?")[0] or "now")

    def kept(self, seen: Visit, look: str, name: str) -> None:
        """Nobody is kept out, nothing is wider than the screen; a picture, light and dark."""
        self.assertFalse(seen.overflows(), name)
        for scheme in SCHEMES:
            seen.colours(scheme)
            self.assertEqual(seen.faults(), [], f"{name}, {scheme}")
            seen.picture(f"{name}-{look}-{scheme}")
        seen.colours("light")

    def trace(self, seen: Visit, look: str) -> None:
        """A message's own page, by a number."""
        seen.go("trace/4670100000001")
        seen.see("Hops of", "main")
        self.kept(seen, look, "trace-message")

    def dialog(self, seen: Visit, look: str) -> None:
        """What can be done with a bind, and what will happen then."""
        seen.go("binds")
        seen.page.get_by_role("button", name="host acme/a").click()
        seen.see("Its binds are unbound and made anew", "dialog")
        self.kept(seen, look, "verbs")
        seen.page.get_by_role("button", name="Drain", exact=True).click()
        seen.see("Drain acme/a?", "dialog")
        self.kept(seen, look, "confirm")
        seen.page.get_by_role("button", name="Leave it").click()

    @asynchronous
    async def test_desk(self) -> None:
        """On a desk, light and dark."""
        await self.seen("desk")

    @asynchronous
    async def test_phone(self) -> None:
        """On a phone of 360 pixels: nothing is cut off or wider than the screen."""
        await self.seen("phone")


LONG = "provider-of-the-northern-subsidiary-with-a-name-of-64-letters-ok"
OVERLAP = """() => {
  const [nav, tools] = ["#nav ul", ".tools"].map((each) => document.querySelector(each));
  return nav.getBoundingClientRect().right > tools.getBoundingClientRect().left;
}"""


class LongNameTests(WebCase):
    """Names may have 64 letters."""

    @asynchronous
    async def test_nothing_is_pushed_aside(self) -> None:
        """Neither the pages' links nor what stands beside a long name; the whole name can be read
        by pointing at it."""
        self.write_network(self.provider("a"))
        text = self.network_file.read_text()
        self.network_file.write_text(text.replace("acme", LONG))
        node = self.opened(name=LONG.replace("provider", "the-node"))
        await self.wait(lambda: self.bound(node) == 1, "the bind")

        def walk(look: str) -> None:
            with self.look(look=look) as seen:
                for address in PAGES:
                    seen.go(address.partition("?")[0])
                    self.assertFalse(seen.overflows(), address)
                    if look == "desk":
                        self.assertFalse(seen.page.evaluate(OVERLAP), address)
                    seen.picture(f"long-{address.partition('?')[0] or 'now'}-{look}")
                self.assertEqual(seen.page.locator("#node").get_attribute("title"), node.node.name)
                self.fine(seen)

        for look in ("desk", "phone"):
            await apart(walk, look)
