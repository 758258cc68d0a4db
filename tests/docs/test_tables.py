"""Metrics, refusals, commands, paths, presets and figures as the manual shows them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from manual import commands, figures, http, metrics, presets, refusals
from smppproxy.cli import main
from smppproxy.config import presets as known
from smppproxy.smpp.refusals import REFUSALS


class TableTests(SynchronousTestCase):
    """What the program has in tables."""

    def test_metrics(self) -> None:
        """A counter by its full name, under the labels it has."""
        lines = metrics.lines()
        self.assertEqual(lines[0], "Of the node, without a label")
        self.assertIn(".. metric:: smppproxy_submitted_total | counter", lines)
        self.assertIn(".. metric:: smppproxy_in_flight | gauge", lines)
        self.assertIn("By account, queue", lines)

    def test_refusals(self) -> None:
        """Each with its command_status, or whose it is, or none."""
        self.assertEqual(refusals.status(REFUSALS["throttled"]), "0x58 ESME_RTHROTTLED")
        upstream = refusals.status(REFUSALS["refused_upstream"])
        self.assertEqual(upstream, "the provider's own command_status")
        self.assertEqual(refusals.status(REFUSALS["never_bound"]), "no command_status")
        lines = refusals.lines()
        at = lines.index(".. refusal:: credentials | 0x0E ESME_RINVPASWD")
        self.assertEqual(
            lines[at + 2],
            "   Unknown ``system_id`` or wrong password. The connection is closed afterwards.",
        )

    def test_commands(self) -> None:
        """Groups and their members, with usage, help, options and examples; nothing hidden."""
        paths = dict(commands.walk())
        self.assertIs(paths["smppproxy"], main)
        self.assertIn("smppproxy show binds", paths)
        self.assertIn("smppproxy simulate smsc", paths)
        self.assertEqual(commands.label("smppproxy show binds"), "command-show-binds")
        self.assertEqual(commands.label("smppproxy"), "command-smppproxy")
        lines = commands.lines()
        self.assertIn("   smppproxy drain [OPTIONS] TARGET", lines)
        self.assertIn("``--port INTEGER RANGE``", lines)
        self.assertIn("   smppproxy drain acme/a", lines)
        self.assertEqual(commands.examples(paths["smppproxy drain"])[0], "smppproxy drain acme/a")

    def test_http(self) -> None:
        """Path, role, parameters and the fields of the answer."""
        lines = http.lines()
        self.assertIn("``POST /api/v1/drain``", lines)
        self.assertIn("   * - ``target``", lines)
        self.assertIn("Of ``rows``:", lines)
        self.assertIn("   * - 401", http.problems())

    def test_presets(self) -> None:
        """The least that a network file says, and what the preset adds to what all begin with."""
        lines = presets.example("messangi", known.provider_preset("messangi"))
        self.assertEqual(
            lines,
            [
                "[provider.messangi]", 'preset = "messangi"', 'system_id = "ours"',
                'password = "env:MESSANGI_PASSWORD"', "",
                "[provider.messangi.host.a]", 'address = "smpp.example.net"  # by contract',
                "tls_port = 8775",
            ],
        )  # fmt: skip
        sinch = presets.example("sinch", known.provider_preset("sinch"))
        self.assertIn('region = "us"  # or "eu", "au", "br", "ca"', sinch)
        text = "\n".join(presets.providers())
        self.assertIn("   * - :conf:`provider.ids.resp`", text)
        self.assertIn("Hosts: ``smpp.sendexa.co``.", text)
        self.assertIn("5 regions", "\n".join(presets.overview()))
        self.assertIn("It sets nothing.", presets.accounts())

    def test_figures(self) -> None:
        """A figure stands in one file, and a page that names another one does not build."""
        cycles = figures.measured()["figures"]["cycles"]["value"]
        for name, each in figures.measured()["figures"].items():
            self.assertEqual(set(each) | {"unit"}, {"value", "what", "unit"}, name)
        self.assertEqual(figures.value("cycles"), f"{cycles:,}")
        self.assertRaises(KeyError, figures.value, "nothing of the kind")
        self.assertIn("     - measured", figures.lines())

    def test_sizes(self) -> None:
        """What a rate needs is reckoned from the figures: processors busy for 60 %, binds by the
        window, memory by the time that maps are kept."""
        per_message = figures.number("node-us")
        self.assertAlmostEqual(figures.cores(100_000, "node-us"), per_message / 10)
        self.assertEqual(figures.needed(1, "node-us"), 1)
        self.assertGreater(figures.needed(100_000, "node-us") * 0.6, per_message / 10 - 0.6)
        self.assertEqual(figures.binds(1000, 0.2, 10), 20)
        self.assertEqual(
            figures.maps_gigabytes(1000, 3600), f"{figures.number('map-memory') * 3.6e-3:,.1f} GB"
        )
        lines = "\n".join(figures.sizes())
        self.assertIn("100,000", lines)
        self.assertIn("planned for", figures.one_store()[0])
