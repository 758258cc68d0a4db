#!/usr/bin/env python3
"""Builds the Debian package of smppproxy: `make deb`, or `etc/debian/build.py --help`.

The package holds an environment of its own below /opt/smppproxy: the wheel of this tree and every
library of requirements.lock, each checked by its hash. It runs on the Python of the system that it
was built with; of the distribution it takes nothing else. Wants build, click and pip in the Python
that runs this, and `dpkg-deb`; needs no root. With gcc and python3-dev the part in C is in it,
without them Python does the same: what it prints tells which.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "etc" / "debian"
HOME = "opt/smppproxy"
"""Where systemd's units look for it."""

SYSTEM_PYTHON = "/usr/bin/python3"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")

PROGRAMS = {"smppproxy", "twistd"}
"""Of those that the libraries bring, what the units and people start; beside python3."""

NODE_FILE = {
    "# As it stands it works from a checkout on a developer's machine:": (
        "# As it stands it works as the service smppproxy of this machine:"
    ),
    "#     twistd -n smppproxy -c etc/smppproxy.toml": "#     systemctl restart smppproxy",
    'store = "embedded:../var/store"': 'store = "embedded:///var/lib/smppproxy/store"',
    'journal = "../var/store/journal"': 'journal = "/var/lib/smppproxy/store/journal"',
    'path = "../var/admin"': 'path = "/run/smppproxy/admin"',
    'folder = "../var/messages"': 'folder = "/var/log/smppproxy/messages"',
}
"""What the node file of an installed service says instead of that of a checkout."""

PLACES = {
    "etc/debian/network.toml": "etc/smppproxy/network.toml",
    "etc/debian/smppproxy.sh": "usr/bin/smppproxy",
    "etc/debian/smppproxy.sysusers": "usr/lib/sysusers.d/smppproxy.conf",
    "etc/debian/copyright": "usr/share/doc/smppproxy/copyright",
    "etc/logrotate/smppproxy": "etc/logrotate.d/smppproxy",
    "etc/systemd/smppproxy.service": "lib/systemd/system/smppproxy.service",
    "etc/systemd/smppproxy@.service": "lib/systemd/system/smppproxy@.service",
    "README.rst": "usr/share/doc/smppproxy/README.rst",
    "SECURITY.rst": "usr/share/doc/smppproxy/SECURITY.rst",
    "NEWS.rst": "usr/share/doc/smppproxy/NEWS.rst",
    "docs/promises.rst": "usr/share/doc/smppproxy/promises.rst",
    "etc/sysctl/smppproxy.conf": "usr/share/doc/smppproxy/examples/sysctl.conf",
    "etc/smppproxy.toml": "usr/share/doc/smppproxy/examples/smppproxy.toml",
    "etc/network.toml": "usr/share/doc/smppproxy/examples/network.toml",
    "etc/mobile.csv": "usr/share/doc/smppproxy/examples/mobile.csv",
    "etc/prices.csv": "usr/share/doc/smppproxy/examples/prices.csv",
    "etc/grafana/smppproxy.json": "usr/share/doc/smppproxy/examples/grafana.json",
    "etc/prometheus/alerts.yml": "usr/share/doc/smppproxy/examples/prometheus-alerts.yml",
}
"""Files of this tree by their places in the package."""

EXECUTABLE = {"usr/bin/smppproxy"}
NODE_FILE_PLACE = "etc/smppproxy/smppproxy.toml"


def node_file(sample: str) -> str:
    """The node file of an installed service; KeyError names a line that the sample lost."""
    for line, installed in NODE_FILE.items():
        if sample.count(line) != 1:
            raise KeyError(line)
        sample = sample.replace(line, installed)
    return sample


def lay_out(root: Path) -> None:
    """Every file of the package but the environment, below `root`."""
    for source, place in PLACES.items():
        _write(root / place, (ROOT / source).read_text(), place in EXECUTABLE)
    sample = (ROOT / "etc" / "smppproxy.toml").read_text()
    _write(root / NODE_FILE_PLACE, node_file(sample), False)


def _write(path: Path, text: str, executable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755 if executable else 0o644)


def control_files(root: Path, version: str, python: tuple[int, int], machine: str) -> None:
    """DEBIAN/: control, the scripts, and which files are the administrator's (all of /etc)."""
    folder = root / "DEBIAN"
    folder.mkdir()
    octets = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir())
    major, minor = python
    values = {
        "version": version,
        "architecture": machine,
        "size": str(octets // 1024),
        "python": f"python3 (>= {major}.{minor}), python3 (<< {major}.{minor + 1})",
    }
    control = (HERE / "control").read_text()
    control = re.sub(r"@([a-z]+)@", lambda found: values[found[1]], control)
    _write(folder / "control", control, False)
    kept = sorted(f"/{path.relative_to(root)}\n" for path in _files(root / "etc"))
    _write(folder / "conffiles", "".join(kept), False)
    for name in SCRIPTS:
        if (HERE / name).exists():
            _write(folder / name, (HERE / name).read_text(), True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def man_pages(root: Path, command: click.Command, version: str) -> None:
    """smppproxy(1), and a page for each of its commands: what --help says."""
    folder = root / "usr" / "share" / "man" / "man1"
    folder.mkdir(parents=True, exist_ok=True)
    for names, one in walk(command, ("smppproxy",)):
        page = man_page(names, one, version).encode()
        # Without a time in it, the same page is the same file.
        (folder / f"{'-'.join(names)}.1.gz").write_bytes(gzip.compress(page, mtime=0))


def walk(
    command: click.Command, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and all below it, by their names."""
    yield names, command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from walk(one, (*names, name))


def man_page(names: tuple[str, ...], command: click.Command, version: str) -> str:
    """One page of the manual, in roff."""
    context = click.Context(command, info_name=" ".join(names), terminal_width=80)
    title = "-".join(names)
    short = roff(command.get_short_help_str(200))
    shown = roff(command.get_help(context))
    lines = [
        f'.TH {title.upper()} 1 "" "smppproxy {version}"',
        f".SH NAME\n{roff(title)} \\- {short}",
        f".SH DESCRIPTION\n.nf\n{shown}\n.fi",
    ]
    if isinstance(command, click.Group):
        below = ", ".join(f"\\fB{roff(title)}\\-{roff(name)}\\fR(1)" for name in command.commands)
        lines.append(f".SH SEE ALSO\n{below}")
    return "\n".join(lines) + "\n"


def roff(text: str) -> str:
    """Text that troff takes for nothing else."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


FOREIGN = ("PYTHONHOME", "PYTHONPATH")
"""Where the Python that runs this looks for modules: another one cannot load all of them."""

OLDER = 60.0
"""Seconds between what is installed and what is found out about it."""


def run(*command: str | Path, **environment: str) -> str:
    """What a command prints; its end with another status than 0 ends us too."""
    own = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    done = subprocess.run(
        [str(part) for part in command],
        env=own | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: status {done.returncode}")
    return done.stdout


def environment(root: Path, wheel: Path | None) -> None:
    """The wheel, or that of this tree, and its libraries below /opt/smppproxy, as if made there."""
    home = root / HOME
    run(SYSTEM_PYTHON, "-I", "-m", "venv", "--without-pip", home)
    python = home / "bin" / "python3"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-qq", "--no-compile")
    lock = ROOT / "requirements.lock"
    run(*pip, "--only-binary", ":all:", "--require-hashes", "-r", lock, PYTHONWARNINGS="ignore")
    wheel = wheel or make_wheel(root.parent, python)
    run(*pip, "--no-deps", "--no-index", wheel, PYTHONWARNINGS="ignore")
    print(run(home / "bin" / "smppproxy", "--version"), end="")
    # twistd keeps what it found out about plugins in a file beside them, which nobody may write
    # once it is installed. It is asked here, before the names of folders change.
    _make_older(home.glob("lib/python3.*/site-packages/twisted/plugins/*.py"))
    run(python, "-W", "ignore", home / "bin" / "twistd", "--help")
    _move_home(root, home)
    (site,) = home.glob("lib/python3.*/site-packages")
    for cached in site.rglob("__pycache__"):
        shutil.rmtree(cached)
    # By hash: the times of files in a package are not those they were compiled at.
    run(
        SYSTEM_PYTHON, "-W", "ignore", "-m", "compileall", "-q", "-j", "2",
        "--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/", site,
    )  # fmt: skip


def _make_older(files: Iterable[Path]) -> None:
    """A package knows times to the second, and twistd believes what is newer than each plugin."""
    then = time.time() - OLDER
    for path in files:
        os.utime(path, (then, then))


def _move_home(root: Path, home: Path) -> None:
    """Away with the name of the folder that all of it was made in."""
    for script in (home / "bin").iterdir():
        if script.is_symlink():
            continue
        if script.name not in PROGRAMS:
            script.unlink()
        else:
            script.write_bytes(script.read_bytes().replace(str(root).encode(), b"", 1))
    settings = home / "pyvenv.cfg"
    kept = [line for line in settings.read_text().splitlines() if not line.startswith("command")]
    settings.write_text("\n".join(kept) + "\n")


def completions(root: Path) -> None:
    """What the shells know of the command without asking it at their start."""
    command = [sys.executable, "-W", "ignore", "-c", "from smppproxy.cli import main; main()"]
    for shell, place in {
        "bash": "usr/share/bash-completion/completions/smppproxy",
        "zsh": "usr/share/zsh/vendor-completions/_smppproxy",
    }.items():
        code = 'import sys; sys.argv[0] = "smppproxy"; ' + command[-1]
        text = run(*command[:-1], code, _SMPPPROXY_COMPLETE=f"{shell}_source")
        _write(root / place, text, False)


def make_wheel(folder: Path, python: Path) -> Path:
    """For that Python; by way of an sdist, so that nothing of an earlier build gets into it."""
    quiet = {"PYTHONWARNINGS": "ignore"}
    build = (sys.executable, "-m", "build", "-q", "--sdist", "--no-isolation")
    run(*build, "--outdir", folder, ROOT, **quiet)
    (sdist,) = folder.glob("*.tar.gz")
    pip = (sys.executable, "-m", "pip", "--python", python, "wheel", "-qq", "--no-deps")
    run(*pip, "--wheel-dir", folder, sdist, **quiet)
    (wheel,) = folder.glob("*.whl")
    return wheel


def main() -> None:
    """Builds it, and prints the name of the file."""
    with (ROOT / "pyproject.toml").open("rb") as project:
        release = tomllib.load(project)["project"]["version"]
    parser = argparse.ArgumentParser(description="Build the Debian package of smppproxy.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "deb")
    parser.add_argument("--version", default=f"{release}-1", help="of the package (%(default)s)")
    parser.add_argument("--wheel", type=Path, help="take this one instead of building one")
    arguments = parser.parse_args()
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smppproxy-deb-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        print(build(folder, output.resolve(), arguments.version, arguments.wheel))


def build(folder: Path, output: Path, version: str, wheel: Path | None) -> Path:
    """The package's file in `output`, made in `folder`."""
    root = folder / "root"
    root.mkdir()
    environment(root, wheel)
    lay_out(root)
    from smppproxy.cli import main as command

    man_pages(root, command, version)
    completions(root)
    told = run(SYSTEM_PYTHON, "-c", "import sys; print(*sys.version_info[:2])").split()
    machine = run("dpkg", "--print-architecture").strip()
    control_files(root, version, (int(told[0]), int(told[1])), machine)
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o755 | 0o644)
    package = output / f"smppproxy_{version}_{machine}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z3", "--build", root, package)
    return package


if __name__ == "__main__":
    main()
