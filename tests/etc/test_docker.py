"""etc/docker: what names something names what is there; tests.packages.test_composition runs it."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import click
import yaml
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.cli import main
from smppproxy.config import load_network, load_node
from smppproxy.store.url import parse_url
from tests.etc import composition
from tests.etc.composition import DOCKER, command_of, files_of
from tests.etc.packaging import ROOT

NODE_FILE = "/etc/smppproxy/smppproxy.toml"


def parsed(words: list[str]) -> dict[str, Any]:
    """The parameters of a command line of smppproxy; click's error when it would refuse it."""
    command: click.Command = main
    for number, word in enumerate(words):
        assert isinstance(command, click.Group)
        command = command.commands[word]
        if not isinstance(command, click.Group):
            return command.make_context(word, words[number + 1 :]).params
    raise AssertionError(words)


def loaded(name: str) -> Any:
    """A file of the folder, as YAML."""
    return yaml.safe_load((DOCKER / name).read_text())


class DockerfileTests(SynchronousTestCase):
    """The image."""

    def test_everything_copied_is_there(self) -> None:
        """Each COPY takes what is in the checkout and what .dockerignore lets through."""
        allowed = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
        self.assertEqual(allowed[1], "*")
        copied = 0
        for name, rest in composition.instructions():
            if name == "COPY" and not rest.startswith("--from"):
                for source in rest.split()[:-1]:
                    copied += 1
                    self.assertTrue((ROOT / source).exists(), source)
                    self.assertIn(f"!{source}", allowed)
        self.assertGreater(copied, 5)

    def test_the_build_has_what_the_wheel_is_made_of(self) -> None:
        """What tests/test_packaging builds a wheel of is what the image builds one of."""
        from tests.test_packaging import SOURCES

        copied = {
            source
            for name, rest in composition.instructions()
            if name == "COPY" and not rest.startswith("--from")
            for source in rest.split()[:-1]
        }
        self.assertEqual(copied, {*SOURCES, "requirements.lock"})

    def test_signals_reach_the_node(self) -> None:
        """No shell between Docker and twistd; SIGTERM, which drains."""
        words = composition.exec_form(composition.last("ENTRYPOINT"))
        self.assertEqual((words[0], words[-1]), ("/opt/smppproxy/bin/twistd", "smppproxy"))
        self.assertIn("--nodaemon", words)
        self.assertEqual(composition.exec_form(composition.last("CMD")), ["-c", NODE_FILE])
        self.assertEqual(composition.last("STOPSIGNAL"), "SIGTERM")

    def test_not_root(self) -> None:
        """A user of its own, without a shell."""
        self.assertEqual(composition.last("USER"), "smppproxy")
        self.assertIn("nologin", composition.last("RUN"))

    def test_python_is_one_that_the_project_is_for(self) -> None:
        """Both stages start from the same image."""
        froms = [rest.split()[0] for name, rest in composition.instructions() if name == "FROM"]
        self.assertEqual(len(set(froms)), 1)
        self.assertRegex(froms[0], r"^python:3\.1[1-3]-slim")

    def test_a_compiler_stays_behind(self) -> None:
        """The stage that builds has one; what is made of it has not."""
        found = composition.instructions()
        image = max(number for number, (name, _) in enumerate(found) if name == "FROM")
        users = [number for number, (_, rest) in enumerate(found) if "gcc" in rest]
        self.assertTrue(users)
        self.assertLess(max(users), image)


class ComposeTests(SynchronousTestCase):
    """The composition."""

    def setUp(self) -> None:
        self.whole = composition.composition()
        self.services = self.whole["services"]
        self.nodes = {
            name: load_node(files_of(service)[NODE_FILE], service["environment"])
            for name, service in self.services.items()
            if NODE_FILE in files_of(service)
        }
        self.network = load_network(
            DOCKER / "network.toml", self.services["node1"]["environment"]
        )

    def test_files_are_there(self) -> None:
        """Every file that a service sees, every volume and every service that it waits for."""
        for name, service in self.services.items():
            for path in files_of(service).values():
                self.assertTrue(path.is_file(), path)
            named = [volume.split(":")[0] for volume in service.get("volumes", ())]
            for volume in named:
                known = volume.startswith(".") or volume in self.whole["volumes"]
                self.assertTrue(known, f"{name}: {volume}")
            for other in service.get("depends_on", ()):
                self.assertIn(other, self.services)

    def test_nodes(self) -> None:
        """Two, of different names, on one store; both take the same network file."""
        self.assertEqual({node.name for node in self.nodes.values()}, {"node1", "node2"})
        self.assertEqual(len({node.store for node in self.nodes.values()}), 1)
        for name, node in self.nodes.items():
            self.assertEqual(name, node.name)
            self.assertEqual(Path(node.network_file).name, "network.toml")
            self.assertIn("/etc/smppproxy/network.toml", files_of(self.services[name]))
        self.assertEqual(self.network.warnings, [])

    def test_ports(self) -> None:
        """What is published, exposed and asked for health is what the nodes listen on."""
        exposed = set(map(int, composition.last("EXPOSE").split()))
        asked = re.search(r"127\.0\.0\.1:(\d+)/livez", composition.health_check()[-1])
        assert asked is not None
        for name, node in self.nodes.items():
            published = {int(each.split(":")[1]) for each in self.services[name]["ports"]}
            (listener,) = node.listeners
            self.assertEqual(published, {listener.port, node.admin.port})
            self.assertEqual(exposed, published)
            self.assertEqual(int(asked[1]), node.admin.port)
            self.assertEqual({listener.address, node.admin.address}, {"0.0.0.0"})
        ports = [port for each in self.services.values() for port in each.get("ports", ())]
        taken = [port.split(":")[0] for port in ports]
        self.assertEqual(len(set(taken)), len(taken))

    def test_a_stop_has_time_to_drain(self) -> None:
        """Docker kills a node no sooner than a minute-long drain would want."""
        for name, node in self.nodes.items():
            grace = int(self.services[name]["stop_grace_period"].removesuffix("s"))
            self.assertGreater(grace, 2 * node.drain_timeout)

    def test_commands(self) -> None:
        """Each service of our image says what its command takes."""
        seen = set()
        for service in self.services.values():
            words = command_of(service)
            if service["image"] == composition.OURS and words[0] == "smppproxy":
                seen.add(words[1])
                parsed(words[1:])
        self.assertEqual(seen, {"simulate", "load"})

    def test_providers_are_simulated(self) -> None:
        """Each host is a service, on its port, that knows the provider's system_id and password."""
        hosts = 0
        for provider in self.network.providers.values():
            for host in provider.hosts:
                options = parsed(command_of(self.services[host.address])[1:])
                hosts += 1
                self.assertIn(host.port, options["ports"])
                self.assertEqual(options["address"], "0.0.0.0")
                account = f"{provider.system_id.decode()}:{provider.password.decode()}"
                self.assertEqual(options["accounts"], (account,))
        self.assertEqual(hosts, 3)

    def test_load(self) -> None:
        """Its account is one of the network, its host a node."""
        options = parsed(command_of(self.services["load"])[1:])
        self.assertIn(options["system_id"], self.network.accounts)
        self.assertIn(options["address"], self.nodes)

    def test_store(self) -> None:
        """The sentinels of the URL are services; they watch the master that the replica follows."""
        url = self.nodes["node1"].store
        where = parse_url(url)
        names = {host for host, _ in where.hosts}
        self.assertEqual(names, {"sentinel1", "sentinel2", "sentinel3"})
        paths = {path for name in names for path in files_of(self.services[name]).values()}
        (path,) = paths
        watched = re.search(r"^sentinel monitor (\S+) (\S+) (\d+) 2$", path.read_text(), re.M)
        assert watched is not None
        self.assertEqual(watched[1], where.master)
        self.assertIn(watched[2], self.services)
        self.assertIn(watched[2], command_of(self.services["store2"]))
        store = (DOCKER / "store.conf").read_text()
        self.assertIn("\nappendonly yes\n", store)
        self.assertIn("\nmaxmemory-policy noeviction\n", store)
        self.assertIn(f"\nport {watched[3]}\n", store)

    def test_addresses_of_the_stores(self) -> None:
        """Whoever has to know a server that is gone has its address, which is that server's."""
        (places,) = self.whole["networks"]["default"]["ipam"]["config"]
        network, drawn = ip_network(places["subnet"]), ip_network(places["ip_range"])
        for name in ("store1", "store2"):
            address = self.services[name]["networks"]["default"]["ipv4_address"]
            self.assertIn(ip_address(address), network)
            self.assertNotIn(ip_address(address), drawn)
            for each in ("store1", "store2", "sentinel1", "sentinel2", "sentinel3"):
                self.assertIn(f"{name}:{address}", self.services[each]["extra_hosts"])

    def test_monitoring(self) -> None:
        """Prometheus asks every node; Grafana asks Prometheus and has our dashboard."""
        scraped = loaded("prometheus.yml")
        (job,) = scraped["scrape_configs"]
        wanted = {f"{name}:{node.admin.port}" for name, node in self.nodes.items()}
        self.assertEqual(set(job["static_configs"][0]["targets"]), wanted)
        folder = Path("/etc/prometheus")
        for rules in scraped["rule_files"]:
            self.assertIn(str(folder / rules), files_of(self.services["prometheus"]))
        (source,) = loaded("grafana/datasource.yml")["datasources"]
        self.assertEqual(source["url"], "http://prometheus:9090")
        (boards,) = loaded("grafana/dashboards.yml")["providers"]
        seen = files_of(self.services["grafana"])
        dashboard = seen[f"{boards['options']['path']}/smppproxy.json"]
        self.assertEqual(dashboard, ROOT / "etc" / "grafana" / "smppproxy.json")
