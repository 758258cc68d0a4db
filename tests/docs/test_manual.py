"""The built pages: complete, whole, and asking nobody else for anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from manual import commands, http, metrics, options
from smppproxy.admin.event_table import EVENTS
from smppproxy.admin.metric_table import METRICS
from smppproxy.config import presets
from smppproxy.smpp.refusals import REFUSALS
from tests.docs import DOCS
from tests.docs.building import Built, built

FILES = re.compile(r"``((?:etc|docs|tests)/[\w./@-]+)``")
LOADING = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}
"""What a browser asks for by itself when it shows a page."""


class Loaded(HTMLParser):
    """What a page makes a browser ask for."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Keep the addresses."""
        self.found += [value or "" for name, value in attributes if (tag, name) in LOADING]


class ManualTests(SynchronousTestCase):
    """The manual as a whole."""

    timeout = 300

    def setUp(self) -> None:
        self.built: Built = built()

    def test_no_warning(self) -> None:
        """It builds with warnings as errors: each reference leads somewhere, each page is in a
        table of contents."""
        self.assertEqual((self.built.code, self.built.told), (0, ""))

    def test_no_page_is_hidden(self) -> None:
        """No page says that it may be outside of every table of contents."""
        for page in DOCS.glob("*.rst"):
            self.assertNotIn(":orphan:", page.read_text("utf-8"), page)

    def test_no_outside_requests(self) -> None:
        """A page works without a network, and tells nobody that it is read."""
        self.assertGreater(len(self.built.pages), 8)
        for page in self.built.pages:
            outside = [each for each in Loaded(page).found if "//" in each]
            self.assertEqual(outside, [], page)

    def test_no_page_complains(self) -> None:
        """Neither Sphinx nor its theme has written into a page what it thinks of it."""
        for page in self.built.pages:
            text = page.read_text("utf-8")
            self.assertNotIn("Adding a table of contents in Furo-based", text, page)
            self.assertNotIn('class="system-message', text, page)

    def test_every_file_that_is_named(self) -> None:
        """What pages call etc/, docs/ or tests/ something is there."""
        named = {
            name
            for page in DOCS.glob("*.rst")
            for name in FILES.findall(page.read_text("utf-8"))
        }
        self.assertGreater(len(named), 8)
        self.assertEqual({name for name in named if not (DOCS.parent / name).exists()}, set())

    def test_every_option(self) -> None:
        """Every option of both files has its place."""
        wanted = {*options.names("node"), *options.names("network")}
        self.assertGreater(len(wanted), 200)
        self.assertEqual(self.built.objects("conf"), wanted)

    def test_every_metric(self) -> None:
        """Every metric is explained, by the name that Prometheus has for it."""
        wanted = {metrics.full_name(each) for each in METRICS}
        self.assertEqual(self.built.objects("metric"), wanted)

    def test_every_event(self) -> None:
        """Every event of the log is explained."""
        self.assertEqual(self.built.objects("event"), set(EVENTS))

    def test_every_refusal(self) -> None:
        """Every command_status that we give by ourselves is explained."""
        self.assertEqual(self.built.objects("refusal"), set(REFUSALS))

    def test_every_command_preset_and_path(self) -> None:
        """Every command, preset and path of the HTTP interface has its heading."""
        wanted = {commands.label(path) for path, _ in commands.walk()}
        wanted |= {f"preset-{name}" for name in presets.provider_presets()}
        wanted |= {f"account-preset-{name}" for name in presets.account_presets()}
        for methods in http.openapi()["paths"].values():
            wanted |= {f"http-{operation['operationId']}" for operation in methods.values()}
        self.assertGreater(len(wanted), 80)
        self.assertEqual({each.lower() for each in wanted} - self.built.objects("label"), set())
