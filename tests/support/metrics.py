"""Metrics as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from smppproxy.admin.families import Family


def samples(families: Iterable[Family]) -> list[Sample]:
    """Every sample, read from the text."""
    text = "".join(piece for family in families for piece in family.text())
    return [sample for each in text_string_to_metric_families(text) for sample in each.samples]
