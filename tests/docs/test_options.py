"""The reference of options: classes say what a value may be, the samples in etc/ what it means."""

from __future__ import annotations

from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from manual import options, rules, sample
from smppproxy.config import Node
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider

SAMPLE = """
# About the file.

# What nodes are.
[node]
# Its name.
name = "x"

# How long, and how
#   fast   very
a = 1
b = 2

#c = 3
# A comment that is about d.
#d = 4

[provider.acme.host.a]
# Where it is.
address = "h"
[provider.beta.host.b]
address = "again"
port = 1
"""


class SampleTests(SynchronousTestCase):
    """Which comment is about which option."""

    def read(self) -> dict[str, sample.Table]:
        """The sample above."""
        path = Path(self.mktemp())
        path.write_text(SAMPLE)
        return sample.read(path)

    def test_comments(self) -> None:
        """A comment is about the options that follow it without an empty line."""
        node = self.read()["node"]
        self.assertEqual(node.text, ["What nodes are."])
        self.assertEqual(
            [(each.options, each.text) for each in node.entries],
            [
                (["name"], ["Its name."]),
                (["a", "b"], ["How long, and how", "  fast   very"]),
                (["c"], []),
                (["d"], ["A comment that is about d."]),
            ],
        )

    def test_names_of_tables(self) -> None:
        """What an operator calls things is left out, and an option counts where it stands first."""
        host = self.read()["provider.host"]
        self.assertEqual([each.options for each in host.entries], [["address"], ["port"]])
        self.assertEqual(host.entries[1].text, [])
        for written, name in {"node": "node", "provider.acme.ids": "provider.ids",
                              "account.demo": "account", "route.targets": "route.targets"}.items():
            self.assertEqual(sample.table_name(written), name)


class RuleTests(SynchronousTestCase):
    """What a rule allows, in words."""

    def test_words(self) -> None:
        """Numbers with their limits, times, words, lists, tables."""
        known = {field.name: field for field in (*attrs.fields(Account), *attrs.fields(Provider))}
        for name, text in {
            "tps": "whole number, 0 to 1,000,000",
            "connect_timeout": "seconds, 0.01 to 300",
            "enabled": "true or false",
            "in_doubt": '"resend" or "answer"',
            "bind_types": 'list of "tx", "rx" or "trx"',
            "tls_name": "text, 0 to 253 octets",
            "allow_from": "list of IP addresses and networks",
            "errors": "table, text, 1 to 64 octets to whole number, 1 to 0xFFFFFFFF",
            "bind_address": 'IP address or ""',
        }.items():
            self.assertEqual(rules.value_of(known[name]), text)

    def test_a_rule_without_words(self) -> None:
        """A new kind of rule stops the build of the manual, and says where to put it in words."""
        error = self.assertRaises(rules.Unknown, rules.words, object())
        self.assertEqual(str(error), "write what object means into manual.rules")


class ReferenceTests(SynchronousTestCase):
    """The lines of the reference."""

    def test_an_option(self) -> None:
        """Its name, what it takes, its default, and its meaning below."""
        lines = options.lines("network")
        at = lines.index(".. conf:: account.receipt_limit | whole number, 1 to 10,000,000"
                         " | default 25000")  # fmt: skip
        self.assertEqual(
            lines[at + 1].split(" | ")[0].strip(), "account.receipt_keep"
        )
        self.assertEqual(lines[at + 2], "")
        self.assertIn("Receipts kept while no receiver takes them", lines[at + 3])

    def test_defaults(self) -> None:
        """As a file would say them; an option without one is required."""
        known = {field.name: field for field in attrs.fields(Provider)}
        self.assertEqual(options.default(known["binds"]), "default 1")
        self.assertEqual(options.default(known["interface_version"]), "default 0x34")
        self.assertEqual(options.default(known["system_id"]), "required")
        listed = {field.name: field for field in attrs.fields(Account)}
        self.assertEqual(options.default(listed["allow_from"]), "default []")
        self.assertEqual(options.default(listed["errors"]), "default {}")

    def test_every_table_of_the_node_file(self) -> None:
        """A field of the node that is a table of its own is one in the reference too."""
        names = {section.name: section.written for section in options.node_sections()}
        self.assertLessEqual({"node", "listener", "admin", "log", "message_log", "hop"}, set(names))
        self.assertEqual((names["listener"], names["hop"]), ("[[listener]]", "[hop]"))

    def unexplained(self, text: str) -> str:
        """What is said of a sample of [node] that lacks something."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "some.toml").write_text(text)
        self.patch(sample, "ETC", folder)
        without = {field.name for field in attrs.fields(Node)} - {"name", "workers"}
        sections = [options.Section("node", "[node]", Node, without)]
        self.patch(options, "FILES", {"some": ("some.toml", lambda: sections)})
        return str(self.assertRaises(options.Unexplained, options.lines, "some"))

    def test_what_nothing_explains(self) -> None:
        """An option without a place, or without a comment, and a table that no class has."""
        self.assertEqual(
            self.unexplained('[node]\n# Its name.\nname = "x"\n'),
            "etc/some.toml, [node]: nothing explains ['workers']",
        )
        self.assertEqual(
            self.unexplained('[node]\nname = "x"\n'),
            "etc/some.toml, [node]: ['name'] without a comment",
        )
        whole = '[node]\n# Both.\nname = "x"\nworkers = 1\n'
        self.assertEqual(
            self.unexplained(whole + "[more]\n"), "etc/some.toml has tables of no class: more"
        )
        self.assertEqual(self.unexplained(""), "etc/some.toml has no table [node]")
