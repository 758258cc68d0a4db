"""SECURITY.rst is true: its tests exist, what it locks is locked, what it forbids is not there."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import attrs
from twisted.trial.unittest import SynchronousTestCase

import smppproxy
from smppproxy.admin import shared
from smppproxy.config import effective, plan
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "smppproxy"
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
SECRET = re.compile(r"(?:\w+_)?(?:password|token|secret)s?")


def named(text: str) -> list[str]:
    """The tests that a text names in brackets."""
    found = re.findall(r"\[((?:tests\.[\w.]+[,\s]*)+)\]", text)
    return [name for group in found for name in re.split(r"[,\s]+", group) if name]


class ListTests(SynchronousTestCase):
    """The thirteen points."""

    def test_every_named_test_exists(self) -> None:
        """Each point names a test, and each test named is there."""
        text = (ROOT / "SECURITY.rst").read_text()
        points = re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]
        self.assertEqual(len(points), 13)
        for point in points:
            self.assertTrue(named(point), point)
        for name in named(text):
            module = name
            rest: list[str] = []
            while not _is_module(module):
                module, _, last = module.rpartition(".")
                rest = [last, *rest]
            found = import_module(module)
            for step in rest:
                found = getattr(found, step)


def _is_module(name: str) -> bool:
    """Whether a dotted name is a module's."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


class LockTests(SynchronousTestCase):
    """requirements.lock, and the ranges in pyproject.toml that it was made of."""

    def setUp(self) -> None:
        self.text = (ROOT / "requirements.lock").read_text()
        self.project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def test_every_dependency_is_locked_with_hashes(self) -> None:
        """What pyproject.toml asks for stands there, in one version, with SHA-256 of its files."""
        blocks = re.split(r"^(?=[a-z])", self.text, flags=re.MULTILINE)[1:]
        for block in blocks:
            self.assertRegex(block, r"--hash=sha256:[0-9a-f]{64}", block[:40])
        locked = dict(PINNED.findall(self.text))
        self.assertEqual(len(locked), len(blocks))
        for dependency in self.project["dependencies"]:
            name = re.match(r"[A-Za-z0-9-]+", dependency)
            assert name is not None
            self.assertIn(name[0].lower(), locked)
            self.assertTrue(_fits(locked[name[0].lower()], dependency), dependency)

    def test_dependencies_are_ranges(self) -> None:
        """Each has an oldest version that works and none is pinned: a mended one can be taken."""
        extras = [one for group in self.project["optional-dependencies"].values() for one in group]
        for dependency in [*self.project["dependencies"], *extras]:
            self.assertIn(">=", dependency)
            self.assertNotIn("==", dependency)


def _fits(version: str, dependency: str) -> bool:
    """Whether a version is within the bounds of a dependency."""
    for sign, bound in re.findall(r"(>=|<)([\d.]+)", dependency):
        if (_key(version) >= _key(bound)) != (sign == ">="):
            return False
    return True


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


class CodeTests(SynchronousTestCase):
    """What no file of the package does."""

    def test_nothing_is_unpickled_or_evaluated(self) -> None:
        """No pickle, marshal or shelve is imported; no eval, exec or compile of text is called."""
        for path in PACKAGE.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = {alias.name for alias in node.names}
                    names.add(getattr(node, "module", "") or "")
                    bad = {"pickle", "marshal", "shelve", "yaml", "dill"}
                    self.assertEqual(names & bad, set(), path)
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    self.assertNotIn(node.func.id, ("eval", "exec", "__import__"), path)

    def test_no_secret_is_in_a_plan_or_in_what_is_shown(self) -> None:
        """Options that are left out of a repr are left out there too."""
        for kind in (Account, Provider):
            for field in attrs.fields(kind):
                if field.init and not field.repr and SECRET.fullmatch(field.name):
                    self.assertIn(field.name, plan._SECRETS)
                    self.assertIn(field.name, effective._UNSAID)
                    self.assertIn(field.name, shared.SECRET)

    def test_no_secret_is_in_a_repr(self) -> None:
        """Every attrs field that is called a password, a token or a secret is left out of it."""
        found = 0
        for kind in _attrs_classes():
            for field in attrs.fields(kind):
                if SECRET.fullmatch(field.name) and "int" not in str(field.type):
                    found += 1
                    self.assertFalse(field.repr, f"{kind.__module__}.{kind.__name__}.{field.name}")
        self.assertGreater(found, 4)


def _attrs_classes() -> Iterator[type]:
    """The classes of the package that attrs made."""
    for found in walk_packages(smppproxy.__path__, "smppproxy."):
        module = import_module(found.name)
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == found.name and attrs.has(kind):
                yield kind
