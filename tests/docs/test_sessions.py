"""What a reader types and sees, page by page, against a real node, store and simulators."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.docs.building import built
from tests.docs.console import Shell, Unlike
from tests.docs.examples import Example, place
from tests.docs.laboratory import laboratory

PAGES = ("runbooks", "message", "providers", "simulators", "network", "scaling", "upgrade")


def page(name: str) -> list[Example]:
    """The examples of a page, in its order."""
    return [each for each in built().examples if each["page"] == name]


class SessionCase(SynchronousTestCase):
    """A shell for a test."""

    timeout = 300

    def setUp(self) -> None:
        self.shell = Shell()
        self.addCleanup(self.shell.close)

    def do(self, examples: list[Example]) -> None:
        """Write the files and do the commands of a page."""
        for example in examples:
            if "name" in example["wanted"]:
                self.shell.write(example["wanted"]["name"], example["text"] + "\n")
            elif example["kind"] == "console":
                try:
                    self.shell.example(example)
                except Unlike as error:
                    logs = "\n\n".join(each.text()[-2000:] for each in self.shell.background)
                    self.fail(f"{place(example)}:\n{error}\n\nterminals:\n{logs}")


class TutorialTests(SessionCase):
    """The first ten minutes."""

    def test_tutorial(self) -> None:
        """From an empty folder to a message that was sent, traced, and has its receipt."""
        self.do(page("tutorial"))
        self.assertTrue((Path(self.shell.folder) / "var" / "messages").is_dir())


class PagesTests(SessionCase):
    """All other pages, one after another in one laboratory, as they stand in the contents."""

    def setUp(self) -> None:
        self.shell = laboratory()
        self.addCleanup(self.shell.close)

    def test_pages(self) -> None:
        """Each page's commands do and print what it shows."""
        for name in PAGES:
            self.do(page(name))


class ContentsTests(SynchronousTestCase):
    """Which pages have commands."""

    def test_no_page_is_left_out(self) -> None:
        """Every page with commands is one of those that are tried above."""
        pages = {each["page"] for each in built().examples if each["kind"] == "console"}
        self.assertEqual(pages, {"tutorial", *PAGES})
