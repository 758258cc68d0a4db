"""smppproxy show: what needs no node."""

import json
import sys

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.cli import main
from smppproxy.config.presets import account_presets, provider_preset, provider_presets
from smppproxy.smpp.refusals import REFUSALS
from tests.cli.running import run


class ShowRefusalsTest(SynchronousTestCase):
    """smppproxy show refusals."""

    def test_table(self) -> None:
        """One line per refusal with its name, its answer in words, and what becomes of the bind."""
        result = run("show", "refusals")
        self.assertEqual(result.exit_code, 0)
        lines = result.output.splitlines()
        for name, refusal in REFUSALS.items():
            line = next(line for line in lines if line.split()[:2] == [str(refusal.row), name])
            for word in (refusal.rule, refusal.session, *refusal.ids):
                self.assertIn(word, line)
        self.assertRegex(result.output, r"throttled +submit_sm_resp +0x58 RTHROTTLED +keep")
        self.assertRegex(result.output, r"never_bound +nothing +- +close")
        self.assertRegex(result.output, r"refused_upstream +submit_sm_resp +the provider's")

    def test_json(self) -> None:
        """The same for programs, in the same order."""
        told = json.loads(run("show", "refusals", "--json").output)
        self.assertEqual([each["name"] for each in told], list(REFUSALS))
        self.assertEqual(told[0]["command_status"], 2)
        self.assertEqual(told[0]["ids"], ["OZ-15"])

    def test_one(self) -> None:
        """By its name, or all that answer with one command_status, however that is spelled; what
        is not there is told with what is like it, exit status 1."""
        (told,) = json.loads(run("show", "refusals", "throttled", "--json").output)
        self.assertEqual(told["name"], "throttled")
        wanted = {name for name, each in REFUSALS.items() if each.command_status == 0x0D}
        for spelled in ("0x0D", "0x0000000D", "ESME_RBINDFAIL", "RBINDFAIL"):
            told = json.loads(run("show", "refusals", spelled, "--json").output)
            self.assertEqual({each["name"] for each in told}, wanted, spelled)
        wrong = run("show", "refusals", "throtled")
        self.assertEqual(wrong.exit_code, 1)
        self.assertIn('there is no refusal throtled; did you mean "throttled"?', wrong.output)


class ShowPresetsTest(SynchronousTestCase):
    """smppproxy show presets."""

    def test_table(self) -> None:
        """One line per preset with its status, hosts and ports, and the accounts' below."""
        result = run("show", "presets")
        self.assertEqual(result.exit_code, 0)
        for name in provider_presets():
            status = provider_preset(name)["status"]
            self.assertRegex(result.output, rf"(?m)^ +{name} +{status} ")
        self.assertRegex(result.output, r"messangi +seed +required +- +- +10 +- +\(yours\)")
        self.assertRegex(result.output, r"cm +documented +preferred +30006 +30007 +10 +- +smpp_gw")
        self.assertIn("eu: a.smpp.gatewayapi.eu b.smpp.gatewayapi.eu", result.output)
        self.assertRegex(result.output, r"(?m)^ +default +nothing +$")
        self.assertRegex(result.output, r"(?m)^ +messangi +versions, tls, ")

    def test_json(self) -> None:
        """Every option of every preset for programs."""
        told = json.loads(run("show", "presets", "--json").output)
        self.assertEqual(list(told["providers"]), list(provider_presets()))
        self.assertEqual(list(told["accounts"]), list(account_presets()))
        self.assertEqual(told["providers"]["sendexa"]["address"]["alpha_max"], 11)
        self.assertEqual(told["accounts"]["messangi"]["versions"], [0x34])

    def test_one(self) -> None:
        """One preset, option by option as the network file spells it; where accounts have one of
        that name, that too; what is not there is told with what is."""
        told = run("show", "presets", "messangi").output
        self.assertRegex(told, r"(?m)^ +tls +\"required\" *$")
        self.assertRegex(told, r"(?m)^ +ids\.resp ")
        self.assertIn("option of the account", told)
        self.assertNotIn("option of the account", run("show", "presets", "vonage").output)
        for name in ("messangi", "vonage"):
            both = json.loads(run("show", "presets", name, "--json").output)
            self.assertEqual(list(both["providers"]), [name])
            self.assertEqual(list(both["accounts"]), [name] if name == "messangi" else [])
        wrong = run("show", "presets", "vonag")
        self.assertEqual(wrong.exit_code, 1)
        self.assertIn('there is no preset vonag; did you mean "vonage"?', wrong.output)

    def test_terminal(self) -> None:
        """At a terminal the table is as wide as that, and at least 120."""
        with CliRunner().isolation(env={"COLUMNS": "90"}) as (out, _, _):
            self.patch(sys.stdout, "isatty", lambda: True)
            main(["show", "presets"], standalone_mode=False)
            shown = click.unstyle(out.getvalue().decode())
        self.assertLessEqual(max(map(len, shown.splitlines())), 120)
