"""The web page's files as the door gives them out."""

from __future__ import annotations

import re
from gzip import decompress
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import smppproxy.admin
from smppproxy.admin.pages import FOLDER, POLICY, read_assets
from tests.support.doors import DoorCase, Reply, ask, asynchronous

WEB = Path(smppproxy.admin.__file__).parent / FOLDER


class AssetTests(SynchronousTestCase):
    """What there is."""

    def test_every_file(self) -> None:
        """Every file of the folder is given out, the chart library with its licence."""
        found = {"/".join(path) for path, _ in read_assets()}
        files = {str(path.relative_to(WEB)) for path in WEB.rglob("*") if path.is_file()}
        self.assertEqual(found, files)
        self.assertIn("vendor/uPlot.LICENSE", found)

    def test_nothing_from_elsewhere(self) -> None:
        """No file of ours names another server, makes markup of a text, or writes a style."""
        words = ("http://", "https://", "innerHTML", "outerHTML", "document.write", "eval(")
        for path in WEB.rglob("*"):
            if path.suffix in (".js", ".html", ".css") and path.parent.name != "vendor":
                text = re.sub(r"http://(www\.w3\.org|localhost:)", "", path.read_text())
                self.assertEqual([word for word in words if word in text], [], path)
        page = (WEB / "index.html").read_text()
        self.assertEqual(re.findall(r"<style| style=| on\w+=|<script>", page), [])

    def test_every_module_is_there(self) -> None:
        """What a module imports is a file."""
        for path in WEB.rglob("*.js"):
            for name in re.findall(r'^import .* from "(\..*)";$', path.read_text(), re.MULTILINE):
                self.assertTrue((path.parent / name).is_file(), f"{path}: {name}")

    def test_small_files(self) -> None:
        """No file of ours is longer than 400 lines."""
        for path in WEB.rglob("*.js"):
            self.assertLessEqual(len(path.read_text().splitlines()), 400, path)


class DoorTests(DoorCase):
    """As a browser asks."""

    def fine(self, reply: Reply) -> None:
        """What every file says of itself."""
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.header("content-security-policy"), POLICY.decode())
        self.assertEqual(reply.header("x-content-type-options"), "nosniff")
        self.assertEqual(reply.header("x-frame-options"), "DENY")
        self.assertEqual(reply.header("referrer-policy"), "no-referrer")

    @asynchronous
    async def test_anybody(self) -> None:
        """The page's files are for everybody, since they say nothing; the API is not, and what
        names no file is not found."""
        self.write_network(self.provider("a"))
        several: tuple[dict[str, bytes] | None, ...] = ({}, None)
        for tokens in several:
            node, url = self.with_port(tokens=tokens)
            page = await ask(url, "")
            self.fine(page)
            self.assertIn(b"<title>smppproxy</title>", page.body)
            for path, kind in (
                ("web/app.js", "text/javascript; charset=utf-8"),
                ("web/style.css", "text/css; charset=utf-8"),
                ("web/icon.svg", "image/svg+xml"),
                ("web/views/now.js", "text/javascript; charset=utf-8"),
                ("web/vendor/uPlot.LICENSE", "text/plain; charset=utf-8"),
            ):
                reply = await ask(url, path)
                self.fine(reply)
                self.assertEqual(reply.header("content-type"), kind)
                self.assertEqual(reply.body, (WEB / path.removeprefix("web/")).read_bytes())
            for path in ("web", "web/", "web/../access.py", "web/views", "web/index.html"):
                self.assertEqual((await ask(url, path)).status, 404, path)
            self.assertIn((await ask(url, "api/v1/show/binds")).status, (401, 403))
            await self.stop(node)

    @asynchronous
    async def test_packed_and_kept(self) -> None:
        """A file travels packed, and not at all when the browser has it; nobody changes one."""
        self.write_network(self.provider("a"))
        node = self.with_socket()
        plain = await ask(node, "web/app.js")
        packed = await ask(node, "web/app.js", headers={"accept-encoding": "gzip, br"})
        self.fine(packed)
        self.assertEqual(packed.header("content-encoding"), "gzip")
        self.assertEqual(decompress(packed.body), plain.body)
        tag = plain.header("etag")
        kept = await ask(node, "web/app.js", headers={"if-none-match": tag})
        self.assertEqual((kept.status, kept.body), (304, b""))
        head = await ask(node, "web/app.js", method="HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual((await ask(node, "web/app.js", {})).status, 405)
