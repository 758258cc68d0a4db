"""The parts of the Debian package, before it is built; tests.packages.test_debian installs one."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.cli import main
from smppproxy.config import load_network, load_node
from tests.config.files import HASH
from tests.etc.packaging import DEBIAN, ROOT, debian_build

UNITS = ROOT / "etc" / "systemd"


def unit(name: str) -> dict[str, list[str]]:
    """A unit's options, each with all its values in order."""
    options: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if line and line[0] not in "#[":
            option, _, value = line.partition("=")
            options.setdefault(option, []).append(value)
    return options


class LayoutTests(SynchronousTestCase):
    """What is in the package beside the environment."""

    def setUp(self) -> None:
        self.build = debian_build()
        self.root = Path(self.mktemp()).resolve()
        self.root.mkdir(parents=True)
        self.build.lay_out(self.root)

    def test_configuration_works_as_it_is_installed(self) -> None:
        """Both files load: nobody may bind, and every path is one that the unit makes."""
        folder = self.root / "etc" / "smppproxy"
        node = load_node(folder / "smppproxy.toml", {})
        network = load_network(node.network_file, {})
        self.assertEqual(node.network_file, str(folder / "network.toml"))
        self.assertEqual((network.accounts, network.providers, network.warnings), ({}, {}, []))
        self.assertEqual(node.store, "embedded:///var/lib/smppproxy/store")
        self.assertEqual(node.journal, "/var/lib/smppproxy/store/journal")
        self.assertEqual(node.admin.path, "/run/smppproxy/admin")
        self.assertEqual(node.message_log.folder, "/var/log/smppproxy/messages")
        self.assertNotIn("../", (folder / "smppproxy.toml").read_text())

    def test_example_in_the_network_file_is_good(self) -> None:
        """Without its # it is a network of one account and one provider with two hosts."""
        text = (DEBIAN / "network.toml").read_text()
        text = re.sub(r"^#(?=\[|[a-z_]+ = )", "", text, flags=re.MULTILINE)
        text = text.replace("what smppproxy password prints", HASH)
        path = self.root / "network.toml"
        path.write_text(text)
        network = load_network(path, {"ACME_PASSWORD": "secret"})
        self.assertEqual(set(network.accounts), {"shop"})
        self.assertEqual(len(network.providers["acme"].hosts), 2)
        self.assertEqual(network.warnings, [])

    def test_a_line_that_the_sample_lost_is_told(self) -> None:
        """The build ends rather than leaving a checkout's path in an installed file."""
        sample = (ROOT / "etc" / "smppproxy.toml").read_text()
        with self.assertRaises(KeyError) as caught:
            self.build.node_file(sample.replace('"../var/admin"', '"../var/door"'))
        self.assertIn("../var/admin", str(caught.exception))

    def test_control(self) -> None:
        """Its fields hold what dpkg wants; the Python is the one that it was built with."""
        self.build.control_files(self.root, "1.2-3", (3, 11), "amd64")
        folder = self.root / "DEBIAN"
        text = (folder / "control").read_text()
        fields = dict(re.findall(r"^([A-Z][A-Za-z-]+): (.+)$", text, re.MULTILINE))
        self.assertEqual(
            (fields["Package"], fields["Version"], fields["Architecture"]),
            ("smppproxy", "1.2-3", "amd64"),
        )
        self.assertIn("python3 (>= 3.11), python3 (<< 3.12)", fields["Depends"])
        self.assertGreater(int(fields["Installed-Size"]), 50)
        self.assertNotIn("@", text.replace("@NAME", "").replace("@localhost", ""))
        kept = (folder / "conffiles").read_text().splitlines()
        self.assertEqual(
            kept,
            [
                "/etc/logrotate.d/smppproxy",
                "/etc/smppproxy/network.toml",
                "/etc/smppproxy/smppproxy.toml",
            ],
        )
        scripts = {path.name for path in folder.iterdir()} - {"control", "conffiles"}
        self.assertEqual(scripts, {"postinst", "prerm", "postrm"})

    def test_scripts_are_of_the_plain_shell(self) -> None:
        """Each script that root runs parses, ends at the first error, and none is left out."""
        for name in ("postinst", "prerm", "postrm", "smppproxy.sh"):
            path = DEBIAN / name
            subprocess.run(["sh", "-n", str(path)], check=True)
            self.assertEqual(path.read_text().splitlines()[0], "#!/bin/sh")
            if name != "smppproxy.sh":
                self.assertIn("\nset -e\n", path.read_text())
        others = {"build.py", "control", "copyright", "network.toml", "smppproxy.sysusers"}
        named = {"postinst", "prerm", "postrm", "smppproxy.sh"} | others
        self.assertEqual({path.name for path in DEBIAN.iterdir() if path.is_file()}, named)

    def test_logrotate_leaves_the_message_log_alone(self) -> None:
        """It rotates the embedded stores' server.log, of one node and of several, and no more."""
        text = (self.root / "etc" / "logrotate.d" / "smppproxy").read_text()
        names = [line for line in text.splitlines() if line.startswith("/")]
        self.assertEqual(
            names,
            [
                "/var/lib/smppproxy/store/server.log "
                "/var/lib/smppproxy/*/store/server.log {"
            ],
        )
        self.assertIn("copytruncate", text)

    def test_manual(self) -> None:
        """A page for each command and each of their own commands, told from their --help."""
        self.build.man_pages(self.root, main, "1.2-3")
        folder = self.root / "usr" / "share" / "man" / "man1"
        names = {path.name for path in folder.iterdir()}
        self.assertTrue({"smppproxy.1.gz", "smppproxy-show-binds.1.gz"} <= names)
        self.assertEqual(len(names), len(list(self.build.walk(main, ("smppproxy",)))))
        text = gzip.decompress((folder / "smppproxy-load.1.gz").read_bytes()).decode()
        self.assertTrue(text.startswith('.TH SMPPPROXY-LOAD 1 "" "smppproxy 1.2-3"\n.SH NAME\n'))
        self.assertIn("\\-\\-rate", text)
        self.assertEqual(self.build.roff(".x\n'y-\\"), "\\&.x\n\\&'y\\-\\e")


class EnvironmentTests(SynchronousTestCase):
    """What the environment in /opt/smppproxy is made with."""

    def setUp(self) -> None:
        self.build = debian_build()
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir(parents=True)

    def test_another_pythons_modules_stay_out_of_it(self) -> None:
        """PYTHONPATH is of the Python that builds: that of the system finds its own ssl."""
        (self.folder / "ssl.py").write_text("raise ImportError('made for another Python')\n")
        self.patch(os, "environ", os.environ | {"PYTHONPATH": str(self.folder)})
        told = self.build.run(self.build.SYSTEM_PYTHON, "-c", "import ssl; print(ssl.__file__)")
        self.assertNotIn(str(self.folder), told)

    def test_plugins_are_older_than_what_twistd_found_out(self) -> None:
        """Also for whoever knows times to the second, as a package does."""
        plugin, found = self.folder / "plugin.py", self.folder / "dropin.cache"
        for path in (plugin, found):
            path.write_text("")
        self.build._make_older([plugin])
        self.assertLess(int(plugin.stat().st_mtime) + 1, int(found.stat().st_mtime))


class UnitTests(SynchronousTestCase):
    """smppproxy.service and smppproxy@.service."""

    def test_instances_are_as_hardened(self) -> None:
        """The template differs in nothing but what makes a node one of several."""
        one, many = unit("smppproxy.service"), unit("smppproxy@.service")
        own = {
            "Description", "Documentation", "ExecStart", "EnvironmentFile", "StateDirectory",
            "LogsDirectory", "RuntimeDirectory",
        }  # fmt: skip
        self.assertEqual({name for name in one | many if one.get(name) != many.get(name)}, own)
        for name in own - {"Description"}:
            self.assertIn("%i", " ".join(many[name]), name)

    def test_an_instance_ends_without_another_ones_socket(self) -> None:
        """A unit's RuntimeDirectory goes with it: none lies inside that of another."""
        self.assertEqual(unit("smppproxy.service")["RuntimeDirectory"], ["smppproxy"])
        self.assertEqual(unit("smppproxy@.service")["RuntimeDirectory"], ["smppproxy-%i"])

    def test_node_file_of_the_comment_loads(self) -> None:
        """What the template's comment says of a node file is one that can be used."""
        text = (UNITS / "smppproxy@.service").read_text()
        comment = " ".join(re.findall(r"^# ?(.*)$", text.split("[Unit]")[0], re.MULTILINE))
        journal, folder, door = re.findall(r'(?:journal|folder|path) = "([^"]+)"', comment)
        path = Path(self.mktemp())
        path.write_text(
            f'[node]\nname = "b"\nstore = "redis://127.0.0.1:6379/0"\njournal = "{journal}"\n'
            f'[[listener]]\nport = 2776\n[admin]\npath = "{door}"\n'
            f'[message_log]\nfolder = "{folder}"\n'
        )
        node = load_node(path, {})
        self.assertEqual(node.admin.path, "/run/smppproxy-b/admin")
        self.assertEqual(node.message_log.folder, "/var/log/smppproxy/b/messages")


class SysctlTests(SynchronousTestCase):
    """etc/sysctl/smppproxy.conf."""

    def test_every_setting_is_one_of_the_kernel(self) -> None:
        """Each stands below /proc/sys, and has a reason above it."""
        text = (ROOT / "etc" / "sysctl" / "smppproxy.conf").read_text()
        parser = ConfigParser(comment_prefixes=("#",))
        parser.read_string("[sysctl]\n" + text)
        self.assertGreater(len(parser["sysctl"]), 3)
        for name in parser["sysctl"]:
            self.assertTrue(Path("/proc/sys", *name.split(".")).exists(), name)
            self.assertRegex(text, rf"(?m)^# .+\n{re.escape(name)} = ")
