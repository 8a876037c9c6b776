"""The code blocks of a page, each with what the page says of it: its language, the file that it is, and notes in comments above it.

Comments that count, for the block below them:

- ``<!-- extended -->``: it takes long, and runs with the tests that are marked so;
- ``<!-- file: NAME -->``: the block is written there; so does a sentence above it that ends in ``In `NAME`:``;
- ``<!-- prints -->``: a ``text`` block is what the Python block before it prints.

``<!-- in: DIRECTORY -->`` anywhere on a page says which directory of the repository its commands run in a copy of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_NOTE = re.compile(r"<!--\s*([\w ]+?)\s*(?::\s*(.*?))?\s*-->", re.DOTALL)
_FILE = re.compile(r"(?:^|\s)[Ii]n (?:your |the |a new )?`([^`\s]+)`[^`]*:$", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block: ``line`` is that of its first line of code, from 1; an indented one is of the language ``sh``."""

    page: str
    line: int
    language: str
    text: str
    notes: dict[str, str]

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_extended(self) -> bool:
        return "extended" in self.notes


def blocks(path: Path, page: str) -> list[Block]:
    """Return the blocks of a page in their order."""
    found, notes, above = [], {}, ""
    for token in MarkdownIt().enable("table").parse(path.read_text(encoding="utf-8")):
        if token.type == "html_block":
            notes |= dict(_NOTE.findall(token.content))
        elif token.type in ("fence", "code_block"):
            named = _FILE.search(above.strip())
            file = {"file": named[1]} if named and token.type == "fence" else {}
            language = token.info.split(maxsplit=1)[0] if token.info.strip() else ("sh" if token.type == "code_block" else "")
            line = (token.map or [0])[0] + (2 if token.type == "fence" else 1)
            found.append(Block(page, line, language, token.content, file | notes))
            notes, above = {}, ""
        elif token.type == "inline":
            notes, above = {}, token.content
    return found


def directory(path: Path) -> str:
    """Return the directory of the repository that a page's commands run in a copy of."""
    told = re.search(r"<!-- in: (\S+) -->", path.read_text(encoding="utf-8"))
    return told[1] if told else "examples/pretrain"


def typed(text: str) -> list[str]:
    """Return the commands of a block of commands alone, continued lines joined, comment lines left out."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def sessions(text: str) -> list[tuple[str, list[str]]]:
    """Return each command of a console block with the lines that are shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in re.sub(r"\\\n> ?", "", text).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            assert found, f"a console block starts with a command: {line}"
            found[-1][1].append(line)
    return found


def shows(shown: list[str], printed: str) -> bool:
    """Tell whether what is shown is what was printed, where a line ``...`` stands for any lines and ``...`` in a line for anything."""
    made = [".*".join(map(re.escape, line.rstrip().split("..."))) + "\n" if line.strip() != "..." else "(?:.*\n)*" for line in shown]
    text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    return re.fullmatch("".join(made), text) is not None
