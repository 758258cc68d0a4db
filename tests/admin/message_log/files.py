"""Reading the files of a message log in tests."""

from __future__ import annotations

import json
from typing import Any

from smppproxy.admin.message_log.folder import blocks, log_files


def lines(folder: str) -> list[bytes]:
    """Every line in the files of a folder, oldest first."""
    return [
        line for file in log_files(folder) for block in blocks(file) for line in block.splitlines()
    ]


def events(folder: str) -> list[dict[str, Any]]:
    """Every event likewise."""
    return [json.loads(line) for line in lines(folder)]
