"""`python -m tests.bench.peers [--only NAME ...] [--rounds N] [--seconds S] [--need NAME ...]`.

Our node and each peer in turn, round by round, in one run and under the same load: 10 binds with a
window of 50, 60 characters, receipts 50 ms after the answer. A ratio of two neighbours holds on a
busy machine too, where neither figure does. What each system is made of, and what of it is
measured, stands in its module. A peer that cannot be had here is told, with the reason.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.end_to_end import machine
from tests.bench.peers.jasmin import Jasmin, MendedJasmin
from tests.bench.peers.kannel import Kannel
from tests.bench.peers.node_proxy import NodeProxy
from tests.bench.peers.ours import Ours
from tests.bench.peers.picture import draw
from tests.bench.peers.reckoning import US, Comparison, Round, microseconds, table
from tests.bench.peers.system import BINDS, OUT, WINDOW, Dose, System, Unavailable
from tests.bench.rig import ROOT

PEERS: dict[str, type[System]] = {
    each.name: each for each in (NodeProxy, Kannel, Jasmin, MendedJasmin)
}
WARM_UP = Dose(seconds=1.0, count=2000, deadline=8.0)


def say(text: str) -> None:
    """How far it is, beside the table."""
    print(text, file=sys.stderr, flush=True)


def compare(peer: System, ours: System, rounds: int, seconds: float) -> Comparison:
    """A peer's rounds and ours between them. Raises `Unavailable`."""
    pairs: list[tuple[Round, Round]] = []
    with ExitStack() as running:
        for system in (peer, ours):
            running.callback(system.stop)
            system.start()
            least = min(filter(None, (WARM_UP.count, system.count // 4)))
            system.round(Dose(WARM_UP.seconds, least, WARM_UP.deadline))
        for number in range(min(filter(None, (rounds, peer.rounds)))):
            found = []
            for system in (ours, peer):
                system.settle()
                found.append(system.round(Dose(seconds, system.count, 2 * seconds + 5)))
                done = found[-1]
                say(
                    f"  round {number + 1}: {system.name}: {done.rate:,.0f}/s, "
                    f"{done.per_cpu_second:,.0f} per CPU-second"
                )
            pairs.append((found[0], found[1]))
    return Comparison(peer.name, peer.what, peer.versions, peer.configuration, pairs)


def write(out: Path, comparisons: Sequence[Comparison], missing: dict[str, str]) -> None:
    """JSON and picture."""
    where = machine()
    told = {
        "machine": where,
        "load": {"binds": BINDS, "window": WINDOW},
        "ours": {"versions": Ours().versions, "configuration": Ours.configuration},
        "peers": {each.name: each.told() for each in comparisons},
        "not_available": missing,
    }
    (out / "peers.json").write_text(json.dumps(told, indent=1) + "\n")
    title = f"{BINDS} binds x window {WINDOW}, receipts after 50 ms; {where['python']}"
    (out / "peers.svg").write_text(draw(title, comparisons))


def show(comparisons: Sequence[Comparison], missing: dict[str, str]) -> None:
    """The table, what was measured, and what was not."""
    print(table(comparisons))
    ours = [found for each in comparisons for found in each.ours]
    print(f"{US}: {_described(Ours().versions, Ours.configuration, ours)}")
    for each in comparisons:
        print(f"{each.name}: {_described(each.versions, each.configuration, each.theirs)}")
    for name, why in missing.items():
        print(f"{name}: not available: {why}")
    where = machine()
    print(f"{where['processor']}, {where['cores']} cores, {where['python']} ({where['compiler']})")


def _described(
    versions: Mapping[str, str], configuration: str, rounds: Sequence[Round]
) -> str:
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "; ".join(filter(None, (listed, configuration, microseconds(rounds))))


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers")
    parser.add_argument("--only", nargs="+", default=[*PEERS], choices=[*PEERS], metavar="NAME")
    parser.add_argument("--need", nargs="+", default=[], choices=[*PEERS], metavar="NAME",
                        help="exit with 1 when one of these is not available")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each round")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 when a peer that is needed is not available."""
    wanted = options(arguments)
    wanted.out.mkdir(parents=True, exist_ok=True)
    comparisons: list[Comparison] = []
    missing: dict[str, str] = {}
    for name in dict.fromkeys((*wanted.only, *wanted.need)):
        say(f"{name}: {wanted.rounds} rounds of {wanted.seconds:g} s, each after one of ours")
        try:
            comparisons.append(compare(PEERS[name](), Ours(), wanted.rounds, wanted.seconds))
        except Unavailable as error:
            missing[name] = str(error)
            say(f"  not available: {error}")
    write(wanted.out, comparisons, missing)
    show(comparisons, missing)
    out = wanted.out.resolve()
    print(f"all figures: {out.relative_to(ROOT) if out.is_relative_to(ROOT) else out}")
    return int(any(name in missing for name in wanted.need))


def _ended(*_: object) -> None:
    """What was started is ended too."""
    sys.exit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _ended)
    sys.exit(main())
