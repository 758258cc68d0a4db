"""What an operator does on the page: by mouse and by keyboard, with every role and with none."""

from __future__ import annotations

import csv
import socket
import time
from io import StringIO
from pathlib import Path

from smppproxy.service import SmppProxy
from tests.support.doors import TOKENS, ask, asynchronous
from tests.support.ports import free_port
from tests.support.running import RunningNode, Setting, Upstream
from tests.web.browser import Visit, apart, there, visit
from tests.web.cases import WebCase

TOKEN_NAME = "SMPPPROXY_TOKEN_OF_A_TEST"


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class OperatorTests(WebCase):
    """Verbs that are really done."""

    def admin_of(self, node: SmppProxy, place: str) -> str:
        """What is wanted of a place, as the node has it."""
        provider, host = place.split("/")
        return node.relay.directory.states.of(provider, host, "1")

    @asynchronous
    async def test_drain_by_mouse(self) -> None:
        """A host is drained by two clicks, is told so, and is resumed."""
        _, node = await self.carried()

        def walk() -> None:
            with self.look() as seen:
                seen.go("binds")
                seen.page.get_by_role("button", name="host acme/a").click()
                seen.page.get_by_role("button", name="Drain", exact=True).click()
                seen.see("then its binds are unbound", "dialog")
                seen.page.get_by_role("button", name="Drain acme/a").click()
                seen.see("drain: acme/a drain", "#toast")
                seen.see("drained", ".tile.calm")
                seen.picture("drained-light")
                self.assertEqual(there(self.admin_of, node, "acme/a"), "drain")
                seen.go("")
                seen.see("acme/a/1 is drained by an operator", ".attention")
                seen.page.locator(".host .name").first.click()
                seen.page.get_by_role("button", name="Resume", exact=True).click()
                seen.page.get_by_role("button", name="Resume acme/a").click()
                seen.see("resume: acme/a up", "#toast")
                self.fine(seen)

        await apart(walk)
        await self.wait(lambda: self.bound(node) == 2, "the bind again")

    @asynchronous
    async def test_isolate_by_keyboard(self) -> None:
        """The same without a mouse: from the address to the confirmation by Tab and Enter."""
        _, node = await self.carried()

        def walk() -> None:
            with self.look() as seen:
                seen.see("Throughput")
                seen.tab_to("To the content")
                seen.tab_to("Binds")
                seen.press("Enter")
                seen.see("Sessions of clients")
                seen.tab_to("host acme/b")
                seen.press("Enter")
                seen.tab_to("Isolate")
                seen.press("Enter")
                seen.see("Isolate acme/b?", "dialog")
                seen.tab_to("Isolate acme/b")
                seen.press("Enter")
                seen.see("isolate: acme/b isolate", "#toast")
                seen.see("isolated", ".tile.calm")
                self.assertEqual(seen.focused(), "host acme/b")
                seen.press("Enter")
                seen.see("That is so already.", "dialog")
                seen.press("Escape")
                seen.press("/")
                seen.see("Trace a message")
                self.fine(seen)

        await apart(walk)
        self.assertEqual(self.admin_of(node, "acme/b"), "isolate")

    @asynchronous
    async def test_kick_and_replay(self) -> None:
        """A client's session is unbound; messages for nobody are replayed once counted."""
        _, node = await self.carried()

        def walk() -> None:
            with self.look() as seen:
                seen.go("binds")
                seen.page.get_by_role("button", name="bank#1").click()
                seen.page.get_by_role("button", name="Kick", exact=True).click()
                seen.page.get_by_role("button", name="Kick account:bank#1").click()
                seen.see("kick: account:bank#1 unbound", "#toast")
                seen.page.locator("text=/^bank#(?!1$)/").wait_for()  # it came back by itself
                seen.go("ledger")
                seen.page.get_by_role("button", name="Replay all unrouted").click()
                seen.see("It would be:", "dialog")
                seen.page.locator("dialog").get_by_role("button", name="Replay").click()
                seen.see("replay:", "#toast")
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_plan_apply_rollback(self) -> None:
        """A network file is planned, applied and shown; the version before is made the network
        again. A file that is none is told with its line."""
        _, node = await self.carried()
        text = self.network_file.read_text()
        other = self.network_file.with_name("other.toml")
        other.write_text(f"{text}\n[account.extra]\npassword = '{'$argon2id$v=19'}'\n")
        changed = self.network_file.with_name("changed.toml")
        changed.write_text(text.replace("window = 50", "window = 40"))

        def walk() -> None:
            with self.look() as seen:
                seen.expected.append("409")
                seen.go("network")
                self.plan(seen, other)
                seen.see("This file cannot be the network", "dialog")
                seen.see("other.toml:", "dialog")
                seen.press("Escape")
                self.plan(seen, changed)
                seen.see("1 difference to version 1", "dialog")
                seen.see("would be", "dialog")
                seen.picture("plan-light")
                seen.page.get_by_label("Why, for the history").fill("smaller windows")
                seen.page.get_by_role("button", name="Apply it on all nodes").click()
                seen.see("Version 2 is the network now; it was 1.", "#toast")
                seen.see("smaller windows", "table")
                seen.page.get_by_role("button", name="Show version 2").click()
                seen.see("window = 40", "dialog pre")
                seen.press("Escape")
                seen.page.get_by_role("button", name="Return to version 1").click()
                seen.see("Return to version 1?", "dialog")
                seen.page.get_by_role("button", name="Make version 1 the network again").click()
                seen.see("Version 3 says what version 1 said", "#toast")
                seen.picture("network-versions-light")
                self.fine(seen)

        await apart(walk)
        await self.wait(lambda: node.network.providers["acme"].window == 50, "the first window")

    def plan(self, seen: Visit, file: Path) -> None:
        """Choose a file, ask what it would change."""
        seen.page.get_by_label("A network file").set_input_files(file)
        seen.page.get_by_role("button", name="Plan").click()

    @asynchronous
    async def test_report_as_csv(self) -> None:
        """The report is put together by the reader, has an address of its own, and is a CSV."""
        await self.carried()

        def walk() -> None:
            with self.look() as seen:
                seen.go("report?hours=6&by=account,result&account=bank")
                seen.press_until("Show", "DELIVRD")
                with seen.page.expect_download() as download:
                    seen.page.get_by_role("button", name="This table as CSV").click()
                rows = [*csv.DictReader(StringIO(Path(download.value.path()).read_text()))]
                self.assertEqual({row["account"] for row in rows}, {"bank"})
                self.assertIn("DELIVRD", {row["result"] for row in rows})
                seen.page.get_by_label("country code").check()
                seen.see("+46", "table")
                self.assertIn("by=account%2Ccountry%2Cresult", seen.page.url)
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_trace_by_every_name(self) -> None:
        """A message is found by the number it went to; its address can be shared."""
        await self.carried()

        def walk() -> None:
            with self.look() as seen:
                seen.go("trace")
                seen.page.get_by_role("searchbox").fill("4670100000002")
                seen.press_until("Trace", "Hops of")
                ours = seen.page.locator("section h2 a").first.inner_text()
                seen.go(f"trace/{ours}")
                seen.see("1 message of", "main")
                seen.see(ours, "section h2")
                address = seen.page.url
                seen.go("trace/nobody")
                seen.see("Nothing is known of nobody", "main")
                seen.page.goto(address)
                seen.see(ours, "section h2")
                self.fine(seen)

        await apart(walk)


class EntryTests(WebCase):
    """Who is let in, and what is told to the others."""

    @asynchronous
    async def test_token(self) -> None:
        """Without a token it is asked for; a wrong one is told; the right one is kept for the tab,
        shows its role, and can be forgotten."""
        await self.carried(count=5)

        def walk() -> None:
            with visit(f"http://127.0.0.1:{self.port}/") as seen:
                seen.expected.append("401")
                seen.see("Who are you?")
                self.assertEqual(seen.faults(), [])
                seen.picture("token-light")
                seen.page.get_by_label("Token").fill("nobody-has-this-one")
                seen.press("Enter")
                seen.see("Nobody has this token.")
                seen.page.goto("about:blank")
                seen.page.goto(f"http://127.0.0.1:{self.port}/#token=nobody-has-this-one-either")
                seen.see("Nobody has this token.")
                seen.page.get_by_label("Token").fill(TOKENS["read"].decode())
                seen.press("Enter")
                seen.see("Throughput")
                seen.page.reload()
                seen.see("Throughput")
                seen.page.get_by_role("button", name="Your role is read").click()
                seen.page.get_by_role("button", name="Forget the token").click()
                seen.see("Who are you?")
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_a_token_in_the_address_leaves_it(self) -> None:
        """What opens the door does not stay where it can be seen or shared."""
        await self.carried(count=5)

        def walk() -> None:
            with self.look() as seen:
                seen.see("Throughput")
                self.assertNotIn("token", seen.page.url)
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_read_role(self) -> None:
        """Who may look only sees everything, and cannot press what would be refused."""
        await self.carried(count=5)

        def walk() -> None:
            with self.look("read") as seen:
                seen.go("binds")
                seen.page.get_by_role("button", name="host acme/a").click()
                seen.see("may look only; these need the role operate", "dialog")
                verbs = seen.page.locator("dialog .verbs button")
                self.assertEqual(verbs.count(), 4)
                self.assertFalse(any(verbs.nth(each).is_enabled() for each in range(4)))
                self.assertEqual(seen.faults(), [])
                seen.press("Escape")
                seen.go("network")
                seen.see("may not change the network; that needs admin")
                shown = seen.page.get_by_role("button", name="Show version 1")
                self.assertFalse(shown.is_enabled())
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_port_without_tokens(self) -> None:
        """A port that serves health only says what would open it."""
        self.write_network(self.provider("a"))
        _, url = self.with_port(tokens={})

        def walk() -> None:
            with visit(f"{url}/") as seen:
                seen.expected.append("403")
                seen.see("This door does not open here")
                seen.see("ssh -L")
                self.assertEqual(seen.faults(), [])
                seen.picture("no-tokens-light")
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_socket_led_to_a_browser(self) -> None:
        """Over ``ssh -L`` to the Unix socket no token is asked for, and verbs work; a page of
        another address that finds this port gets nothing done and sees nothing."""
        self.write_network(self.provider("a"))
        node = self.with_socket()
        await self.wait(lambda: self.bound(node) == 1, "the bind")
        number = self.led(node)

        def walk() -> None:
            with visit(f"http://localhost:{number}/") as seen:
                seen.see("Throughput")
                seen.see("admin", "#who")
                seen.page.get_by_role("button", name="host acme/a").click()
                seen.page.get_by_role("button", name="Isolate", exact=True).click()
                seen.page.get_by_role("button", name="Isolate acme/a").click()
                seen.see("isolate: acme/a isolate", "#toast")
                self.fine(seen)

        await apart(walk)
        url = f"http://127.0.0.1:{number}"
        body = {"target": "acme/a"}
        foreign: tuple[dict[str, str], ...] = (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"sec-fetch-site": "cross-site"},
            {"host": f"evil.example:{number}", "origin": f"http://evil.example:{number}"},
        )
        for headers in foreign:
            reply = await ask(url, "api/v1/resume", body, headers=headers)
            self.assertEqual((reply.status, reply.error["code"][:7]), (403, "foreign"), headers)
        self.assertEqual(node.relay.directory.states.of("acme", "a", "1"), "isolate")


class SeveralTests(WebCase):
    """Two nodes over one store."""

    @asynchronous
    async def test_both_nodes_are_shown(self) -> None:
        """Each bind stands with its node, sums are of both, and each node can be drained."""
        self.write_network(self.provider("a"))
        first, second = self.pair()
        await self.wait(lambda: self.bound(first) == self.bound(second) == 1, "the binds")
        number = self.led(first)

        def walk() -> None:
            with visit(f"http://localhost:{number}/") as seen:
                for node in ("n1", "n2"):
                    seen.see(node, ".tile .where")
                seen.see("2/2 bound", ".map")
                seen.go("network")
                seen.page.get_by_role("button", name="n2").click()
                seen.page.get_by_role("button", name="Drain", exact=True).click()
                seen.page.get_by_role("button", name="Drain node:n2").click()
                seen.see("drain: node:n2 drain", "#toast")
                seen.see("draining", "table")
                seen.go("")
                seen.see("node n2 is draining", ".attention")
                seen.picture("two-nodes-light")
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_a_bind_without_a_place_is_no_trouble(self) -> None:
        """A provider that allows one bind has it on one of the nodes; the other's is missed by
        nobody."""
        self.write_network(self.provider("a"))
        text = self.network_file.read_text().replace("window = 50", "window = 50\nbinds_total = 1")
        self.network_file.write_text(text)
        first, second = self.pair()
        await self.wait(lambda: self.bound(first) + self.bound(second) == 1, "the bind")
        number = self.led(first)

        def walk() -> None:
            with visit(f"http://localhost:{number}/") as seen:
                seen.see("no place", ".tile.calm")
                seen.see("bound", ".tile.good")
                seen.see("1/1 bound", ".map")
                seen.see("Nothing needs a look", ".attention")
                seen.picture("no-place-light")
                self.fine(seen)

        await apart(walk)


class AwayTests(WebCase):
    """A node that goes while one looks."""

    @asynchronous
    async def test_restart(self) -> None:
        """That the node is away is told with its time; when it is back the page goes on by itself,
        with the same token and the same page."""
        smsc = self.provider("a")
        self.port = free_port()
        setting = Setting({"demo": "demo"}, [Upstream("acme", [*smsc.ports.values()])])
        setting.node_options = (
            f'[admin]\nport = {self.port}\ntokens = {{ admin = "env:{TOKEN_NAME}" }}\n'
        )
        nodes = [RunningNode(setting), RunningNode(setting)]

        def start(node: RunningNode) -> None:
            node.start(**{TOKEN_NAME: TOKENS["admin"].decode()})
            self.addCleanup(node.stop)

        start(nodes[0])

        def walk() -> None:
            while not is_open(self.port):
                time.sleep(0.1)  # in the browser's thread
            with self.look() as seen:
                seen.expected += ["ERR_CONNECTION", "ERR_EMPTY_RESPONSE"]
                seen.go("binds")
                seen.see("1/1 bound")
                there(nodes[0].signal, "KILL")
                seen.see("does not answer, since", "#banner")
                seen.picture("away-light")
                self.assertEqual(seen.faults(), [])
                there(start, nodes[1])
                seen.see("The node answers again", "#toast")
                seen.page.wait_for_selector("#banner", state="hidden")
                seen.see("1/1 bound")
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_no_answer(self) -> None:
        """A node that takes questions and gives no answers is told of long before the page gives
        up, since what is shown gets old meanwhile."""
        self.write_network(self.provider("a"))
        self.opened()

        def walk() -> None:
            with self.look() as seen:
                seen.go("binds")
                began = time.monotonic()
                seen.page.route("**/api/v1/**", lambda route: None)
                seen.see("The node does not answer, since", "#banner")
                self.assertGreater(time.monotonic() - began, 5.0)
                seen.page.unroute("**/api/v1/**")
                seen.page.reload()
                seen.see("To providers")
                self.assertEqual(seen.page.locator("#banner").text_content(), "")
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_hidden_tab_asks_nothing(self) -> None:
        """A tab that nobody sees asks nothing; it asks at once when it is seen again."""
        self.write_network(self.provider("a"))
        self.opened()

        def hide(seen: Visit, hidden: bool) -> None:
            seen.page.evaluate(
                "hidden => { Object.defineProperty(document, 'hidden', "
                "{value: hidden, configurable: true});"
                " document.dispatchEvent(new Event('visibilitychange')); }",
                hidden,
            )

        def walk() -> None:
            with self.look() as seen:
                seen.page.clock.install()  # timers of the page that are made from here on
                seen.page.reload()
                seen.go("binds")
                hide(seen, True)
                seen.page.wait_for_load_state("networkidle")
                asked: list[str] = []
                seen.page.on("request", lambda request: asked.append(request.url))
                seen.page.clock.run_for(60_000)
                self.assertEqual(asked, [])
                with seen.page.expect_request("**/show/binds"):
                    hide(seen, False)
                self.fine(seen)

        await apart(walk)

    @asynchronous
    async def test_colours_are_kept(self) -> None:
        """The switch turns light to dark, and the choice outlives the tab."""
        self.write_network(self.provider("a"))
        self.opened()

        def walk() -> None:
            with self.look() as seen:
                seen.see("Throughput")
                seen.page.get_by_role("button", name="Show dark colours").click()
                ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
                self.assertEqual(ground, "rgb(13, 19, 28)")
                seen.page.reload()
                seen.see("Throughput")
                self.assertEqual(
                    seen.page.evaluate("document.documentElement.dataset.theme"), "dark"
                )
                self.fine(seen)

        await apart(walk)
