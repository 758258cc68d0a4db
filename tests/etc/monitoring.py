"""What etc/prometheus and etc/grafana ask of Prometheus, and what there is to be asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from smppproxy.admin.metric_table import COUNTER, HISTOGRAM, METRICS, PREFIX

ETC = Path(__file__).parent.parent.parent / "etc"
ALERTS = ETC / "prometheus" / "alerts.yml"
DASHBOARD = ETC / "grafana" / "smppproxy.json"

SUFFIXES = {COUNTER: ("_total",), HISTOGRAM: ("_bucket", "_sum", "_count")}

PROCESS = ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds")
"""Metrics of every process that are used, besides its start."""

OF_PROMETHEUS = frozenset({"instance", "job"})

VARIABLES = {"$__rate_interval": "5m", "$instance": ".*", "$account": ".*", "$provider": ".*"}
"""What the dashboard leaves open, and an example of each."""

SELECTOR = re.compile(r"\b([a-z][a-z_]*)(?:\{([^}]*)\})?")


def series() -> dict[str, frozenset[str]]:
    """The labels of every series that a node has, by its name."""
    found = {f"process_{name}": OF_PROMETHEUS for name in (*PROCESS, "start_time_seconds")}
    found["up"] = OF_PROMETHEUS
    for name, described in METRICS.items():
        for suffix in SUFFIXES.get(described.kind, ("",)):
            more = {"le"} if suffix == "_bucket" else set()
            found[PREFIX + name + suffix] = OF_PROMETHEUS | {*described.labels} | more
    return found


def groups() -> list[dict[str, Any]]:
    """The groups of rules."""
    loaded: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"]
    return loaded


def rules() -> list[dict[str, Any]]:
    """Every rule."""
    return [rule for group in groups() for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return loaded


def questions() -> Iterator[tuple[str, str]]:
    """Each title of the dashboard with a question that it asks."""
    board = dashboard()
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], _filled(target["expr"])
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"]
    for note in board["annotations"]["list"]:
        yield note["name"], _filled(note["expr"])


def _filled(expr: str) -> str:
    for name, example in VARIABLES.items():
        expr = expr.replace(name, example)
    return expr


def asked(expr: str) -> Iterator[tuple[str, set[str]]]:
    """Each series of ours that an expression names, with the labels by which it chooses."""
    for name, chosen in SELECTOR.findall(expr):
        if name.startswith(("smppproxy_", "process_")) or name == "up":
            yield name, set(re.findall(r"(\w+)\s*[=!]~?\"?", chosen))


def grouped(expr: str) -> set[str]:
    """The labels by which an expression groups or joins."""
    lists = re.findall(r"\b(?:by|on|group_left)\s*\(([^)]*)\)", expr)
    return {label.strip() for each in lists for label in each.split(",") if label.strip()}
