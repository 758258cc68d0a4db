"""etc/docker: the image's recipe and the composition, read as Docker reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.etc.packaging import ROOT

DOCKER = ROOT / "etc" / "docker"
OURS = "smppproxy"
"""The image that the recipe makes."""


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile: each one's name and the rest, its lines joined."""
    text = re.sub(r"^#.*\n", "", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def last(name: str) -> str:
    """What holds in the image: the last instruction of this name."""
    return [rest for each, rest in instructions() if each == name][-1]


def exec_form(text: str) -> list[str]:
    """A command that is given without a shell."""
    words: list[str] = json.loads(text)
    return words


def health_check() -> list[str]:
    """The command of HEALTHCHECK."""
    return exec_form(last("HEALTHCHECK").partition(" CMD ")[2])


def environment() -> dict[str, str]:
    """ENV of the image."""
    return dict(pair.split("=", 1) for pair in last("ENV").split())


def composition() -> dict[str, Any]:
    """compose.yaml, anchors followed."""
    loaded: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    return loaded


def command_of(service: dict[str, Any]) -> list[str]:
    """What a service starts, as a container of it would."""
    if service["image"] != OURS:
        return list(service.get("command", []))
    entrypoint = service.get("entrypoint") or exec_form(last("ENTRYPOINT"))
    return [*entrypoint, *(service.get("command") or exec_form(last("CMD")))]


def files_of(service: dict[str, Any]) -> dict[str, Path]:
    """Files of this folder that a service sees, by where it sees them."""
    found = {}
    for volume in service.get("volumes", ()):
        source, target, *_ = volume.split(":")
        if source.startswith("."):
            found[target] = (DOCKER / source).resolve()
    return found
