"""A wall clock of their own for other processes: libfaketime, preloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def library() -> str:
    """The preload library; the package's own module is not for other processes."""
    spec = find_spec("libfaketime")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    return str(folder / "vendor" / "libfaketime" / "src" / "libfaketime.so.1")


def environment(clock: Path, kept: int = 0) -> dict[str, str]:
    """What a process needs so that its wall clock follows a file, and only that.

    :param clock: holds ``+0``, or the seconds by which to be ahead.
    :param kept: seconds for which the process may believe what it read; 0: it always looks.
    """
    believed = {"FAKETIME_CACHE_DURATION": f"{kept}"} if kept else {"FAKETIME_NO_CACHE": "1"}
    return {
        "LD_PRELOAD": library(),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        **believed,
    }


def put(clock: Path, seconds: float) -> None:
    """Set a clock: so many seconds ahead of the real one, or behind it."""
    whole = clock.with_suffix(".new")
    whole.write_text(f"{seconds:+.0f}\n")
    whole.replace(clock)
