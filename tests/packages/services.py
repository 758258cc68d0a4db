"""etc/docker/compose.yaml carried out by commands of docker, as `docker compose up` would."""

from __future__ import annotations

import json
import resource
from typing import Any

from tests.etc.composition import DOCKER, OURS, composition
from tests.etc.packaging import ROOT
from tests.packages.engine import Engine

NETWORK = "smppproxy_default"


def words_of(value: Any) -> list[str]:
    """A list, or a mapping as NAME=VALUE."""
    if isinstance(value, dict):
        return [f"{name}={each}" for name, each in value.items()]
    return [str(each) for each in value]


def options(service: dict[str, Any]) -> list[str]:
    """A service's options for `docker create`; AssertionError for one that is not known here."""
    made: list[str] = []
    repeated = {
        "cap_drop": "--cap-drop", "environment": "--env", "extra_hosts": "--add-host",
        "ports": "--publish", "security_opt": "--security-opt", "tmpfs": "--tmpfs",
    }  # fmt: skip
    for name, value in service.items():
        if name == "ulimits":
            made += [f"--ulimit={each}={allowed(value[each])}" for each in value]
        elif name in repeated:
            made += [f"{repeated[name]}={each}" for each in words_of(value)]
        elif name in ("init", "read_only"):
            made += [f"--{name.replace('_', '-')}={str(value).lower()}"]
        elif name == "networks":
            made += [f"--ip={value['default']['ipv4_address']}"]
        elif name == "restart":
            made += [f"--restart={value}"]
        elif name == "stop_grace_period":
            made += [f"--stop-timeout={value.removesuffix('s')}"]
        elif name == "volumes":
            made += [f"--volume={volume(each)}" for each in value]
        elif name == "healthcheck":
            assert value == {"disable": True}, value
            made += ["--no-healthcheck"]
        else:
            # Told of elsewhere: what is started, from what, and after whom.
            known = {"build", "command", "depends_on", "entrypoint", "image", "profiles"}
            assert name in known, name
    return made


def allowed(descriptors: int) -> int:
    """As many as this process may have, where nobody may raise its own limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return descriptors if hard == resource.RLIM_INFINITY else min(descriptors, hard)


def volume(text: str) -> str:
    """A file of this folder by its whole name, a volume by the project's before its own."""
    source, rest = text.split(":", 1)
    if source.startswith("."):
        return f"{(DOCKER / source).resolve()}:{rest}"
    return f"{composition()['name']}_{source}:{rest}"


class Services:
    """The services of the composition, each a container of its name."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.services: dict[str, Any] = composition()["services"]

    def build(self, commit: str) -> None:
        """The image, by what the composition says of it."""
        build = self.services["node1"]["build"]
        context = (DOCKER / build["context"]).resolve()
        assert context == ROOT, context
        assert build["args"] == {"COMMIT": "${COMMIT:-}"}, build
        recipe = str(context / build["dockerfile"])
        arguments = ("--build-arg", f"COMMIT={commit}", "--tag", OURS, str(context))
        self.engine.told("build", "--quiet", "--file", recipe, *arguments)

    def up(self, *names: str) -> None:
        """Each started after those it waits for; one that is there already is left alone."""
        if self.engine.status("network", "inspect", NETWORK):
            (places,) = composition()["networks"]["default"]["ipam"]["config"]
            made = (f"--{key.replace('_', '-')}={place}" for key, place in places.items())
            self.engine.told("network", "create", *made, NETWORK)
        for name in names:
            self.up(*self.services[name].get("depends_on", ()))
            if self.engine.status("inspect", "--type=container", name):
                self._create(name)
                self.engine.told("start", name)

    def _create(self, name: str, *more: str) -> None:
        service = self.services[name]
        entrypoint = service.get("entrypoint", ())
        words = [*entrypoint[1:], *service.get("command", ()), *more]
        start = ["--entrypoint", entrypoint[0]] if entrypoint else []
        self.engine.told(
            "create", "--name", name, "--hostname", name, "--network", NETWORK,
            "--network-alias", name, *options(service), *start, service["image"], *words,
        )  # fmt: skip

    def once(self, name: str, *more: str) -> tuple[int, str]:
        """As `docker compose run --rm`, with more words: how it ends, and what it said."""
        self._create(name, *more)
        status = int(self.engine.told("start", name) and self.engine.told("wait", name))
        said = self.engine.told("logs", name)
        self.engine.told("rm", name)
        return status, said

    def state(self, name: str) -> dict[str, Any]:
        """What the engine knows of a container now."""
        told = self.engine.told("inspect", "--type=container", "--format={{json .State}}", name)
        state: dict[str, Any] = json.loads(told)
        return state

    def healthy(self, name: str) -> bool:
        """Whether the image's health check says so."""
        return bool(self.state(name).get("Health", {}).get("Status") == "healthy")

    def said(self, name: str) -> str:
        """What a service wrote so far; "" before it is there."""
        done = self.engine.run("logs", name)
        return "" if done.returncode else done.stdout
