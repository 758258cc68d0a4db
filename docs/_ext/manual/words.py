"""Plain text of the program (comments, help texts) as reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

MARKED = re.compile(
    r"`+(?P<ticks>[^`]+)`+"
    r"|(?P<code>"
    r"[a-z+]+://[^\s,;]*[^\s,;.]"  # redis://HOST:6379/0
    r"|\[?\{ [^}]* \}\]?"  # { gsm7 = 0 }
    r'|\[\[?"[^\]]*\]'  # ["192.0.2.0/24"]
    r"|\[\[?[a-z_.]+\]\]?"  # [message_log]
    r'|(?:\w+ = )?"[^"]*"'  # "resend", window_full = "pause"
    r"|\b[a-z0-9]+(?:_[a-z0-9]+)+\b"  # submit_sm
    r"|\bESME_R\w+\b"
    r"|\b0x[0-9A-Fa-f]+\b"
    r"|\bsmppproxy(?: [a-z]+)+\b(?=[.,;:)]|$)"
    r")"
)
BEFORE = {"", *" '\"([{<-/:"}
AFTER = {"", *" '\")]}>-/:.,;!?"}
SPECIAL = re.compile(r"([\\*`|]|_(?=\W|$))")


def escaped(text: str) -> str:
    """Text in which nothing is markup."""
    return SPECIAL.sub(r"\\\1", text)


def literal(text: str) -> str:
    """Text as it is typed."""
    return f"``{text}``" if text.strip() == text and text else "``(empty)``"


def inline(text: str, links: Mapping[str, str] | None = None) -> str:
    """A sentence: what looks like code becomes code, the rest is left as it is.

    :param links: what a word of code leads to, as the markup of a reference.
    """
    known = links or {}
    parts: list[str] = []
    end = 0
    for found in MARKED.finditer(text):
        parts.append(escaped(text[end : found.start()]))
        code = found["ticks"] or found["code"]
        # Most characters right beside it would make it no markup.
        before = text[found.start() - 1 : found.start()] if found.start() else ""
        after = text[found.end() : found.end() + 1]
        parts.append("" if before in BEFORE else "\\ ")
        parts.append(known.get(code.strip('"'), literal(code)))
        parts.append("" if after in AFTER else "\\ ")
        end = found.end()
    return "".join(parts) + escaped(text[end:])


def paragraphs(lines: Iterable[str], links: Mapping[str, str] | None = None) -> list[str]:
    """Text in lines: indented ones are a list of two columns, or an example."""
    result: list[str] = []
    for indented, block in blocks(lines):
        write: Callable[[], list[str]] = (
            (lambda block=block: two_columns(block, links))  # type: ignore[misc]
            if indented
            else (lambda block=block: [inline(" ".join(block), links)])  # type: ignore[misc]
        )
        result += [*write(), ""]
    return result


def blocks(lines: Iterable[str]) -> list[tuple[bool, list[str]]]:
    """Runs of indented lines and of others, in turn."""
    found: list[tuple[bool, list[str]]] = []
    for line in lines:
        indented = line.startswith("  ")
        if not found or found[-1][0] != indented:
            found.append((indented, []))
        found[-1][1].append(line.rstrip())
    return found


def two_columns(lines: list[str], links: Mapping[str, str] | None = None) -> list[str]:
    """``word   what it means`` in lines, as a table of two columns."""
    rows: list[tuple[str, list[str]]] = []
    for line in lines:
        *words, last = re.split(r"\s{2,}", line.strip())
        deep = len(line) - len(line.lstrip()) > 4
        if deep and rows:
            rows[-1][1].append(line.strip())
        elif words:
            rows.append((", ".join(literal(word) for word in words), [last]))
        else:
            rows.append((literal(last), []))
    result = [".. list-table::", "   :class: words", ""]
    for word, meaning in rows:
        result += [f"   * - {word}", f"     - {inline(' '.join(meaning), links)}"]
    return result


def indent(lines: Iterable[str], by: int = 3) -> list[str]:
    """The lines further to the right; empty ones stay empty."""
    return [" " * by + line if line else "" for line in lines]


def heading(text: str, level: int) -> list[str]:
    """A heading: level 1 is below a page's title."""
    return [text, "=-~^"[level - 1] * max(len(text), 4), ""]


def table(heads: tuple[str, ...], rows: Iterable[Iterable[str]], widths: str = "") -> list[str]:
    """A table with a row of headings."""
    result = [".. list-table::", "   :header-rows: 1"]
    if widths:
        result.append(f"   :widths: {widths}")
    result.append("")
    for row in (heads, *rows):
        for place, cell in enumerate(row):
            result.append(("   * - " if place == 0 else "     - ") + cell)
    return [*result, ""]
