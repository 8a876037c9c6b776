"""Every code block of docs/ and of the README is run, or is what it says that it is; a block of an unknown language fails.

A page is followed from its top to its end in one copy of examples/pretrain. ``console``: what is shown is what is printed, numbers and
all, with ``...`` for what is left out, and the exit code is 0 unless ``$ echo $?`` shows another. ``sh`` and indented: each command ends
with 0, or with what its comment says (``exit code 1``); a launch among them is planned, so that it is composed and checked and does not
train. ``python``: run, in one namespace a page. ``yaml``, ``toml``, ``json``: accepted by what reads them. ``text`` is no code.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def _helper(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scalecheck_doc_blocks_{name}", Path(__file__).parent / "doc_blocks" / f"{name}.py")
    made = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


reader, workspaces, given = _helper("blocks"), _helper("workspace"), _helper("given")

PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if not page.name.endswith(".template.md")
)
BLOCKS = {page: reader.blocks(ROOT / page, page) for page in PAGES}
ELSEWHERE = {
    ("docs/how-to/ci.md", "*"): "tests/ci/test_how_to.py follows it word for word",
    ("docs/reading.md", "console"): "tests/test_docs_reading.py compares the page with what its generator prints now",
    ("README.md", "console"): "tests/test_readme.py compares them with what the commands print",
    ("docs/instantiate.md", "sh"): "they need torch; tests/test_instantiate.py runs these options",
    ("docs/architecture.md", "sh"): "its indented blocks are diagrams",
}
"""Blocks that another test runs, or that are no code: by page and language, with the reason."""
NOT_RUN = {
    "pip install .        #": "tests/test_packaging.py installs it in empty environments",
    "pip install '.[report]'": "the same, with packages that this environment has",
}
"""Commands that are not run, by how they start, with the reason."""
LONG = (
    "scalecheck check --config-dir conf --config-name train model=large --output html",
    "scalecheck render report.json --format html",
    "scalecheck diff --base",
    "scalecheck doctor",
    "scalecheck fit",
)
"""Commands of the README that take long, by how they start: they run with the extended tests."""
NO_CODE = ("text", "mermaid")


def _of_others(block) -> bool:
    return any((block.page, language) in ELSEWHERE for language in ("*", block.language))


def _mine(page: str) -> list:
    return [block for block in BLOCKS[page] if not _of_others(block)]


def test_there_are_pages_and_each_exception_is_of_a_block_that_is_there():
    assert len(PAGES) > 20
    assert sum(map(len, BLOCKS.values())) > 60
    for page, language in ELSEWHERE:
        assert any(language in ("*", block.language) for block in BLOCKS[page]), f"{page} has no such block: {language}"
    for reason in ELSEWHERE.values():
        assert all((ROOT / name).exists() for name in re.findall(r"tests/[\w/]+\.py", reason)), reason
    commands = [line for page in PAGES for block in BLOCKS[page] for line in reader.typed(block.text)]
    assert all(any(line.startswith(start) for line in commands) for start in (*NOT_RUN, *LONG))


LONG_PAGES = ("README.md", "docs/how-to/pictures.md", "docs/tutorial.md")
IN_TURN = ("count", "diff", "explain", "init", "schema")
"""Pages of commands that run some; what these commands do is in tests/commands/, so that the pages are followed by the extended tests."""
EXTENDED_PAGES = (*LONG_PAGES, *(f"docs/reference/cli/{name}.md" for name in IN_TURN))


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.extended) if page in EXTENDED_PAGES else page for page in PAGES if _mine(page)]
)
def test_page(page, tmp_path):
    _follow(page, tmp_path, [block for block in _mine(page) if not block.is_extended], is_long=False)


@pytest.mark.extended
@pytest.mark.parametrize("page", [page for page in PAGES if page == "README.md" or any(block.is_extended for block in _mine(page))])
def test_page_with_what_takes_long(page, tmp_path):
    _follow(page, tmp_path, _mine(page), is_long=True)


def _follow(page: str, folder: Path, chosen: list, *, is_long: bool) -> None:
    space = workspaces.Workspace(ROOT / reader.directory(ROOT / page), folder)
    text = "\n".join(block.text for block in chosen)
    with space.inside():
        given.lay(page, text, space.root)
    if re.search(r"\bgit |diff --base", text):
        space.git()
    for block in chosen:
        try:
            _run(space, block, is_long=is_long)
        except Exception as failure:
            raise AssertionError(f"{block.place}: {failure}") from failure


def _run(space, block, *, is_long: bool = True) -> None:
    file = block.notes.get("file")
    match block.language:
        case "console":
            _console(space, block)
        case "sh":
            _commands(space, block, is_long=is_long)
        case "python":
            space.execute(block.text, block.place)
        case "yaml":
            space.accept_yaml(block.text, file)
        case "toml":
            space.accept_toml(block.text, file)
        case "json":
            space.accept_json(block.text)
        case "{eval-rst}":
            assert workspaces.imported(block.text), "it documents nothing"
        case "{toctree}":
            _contents(block)
        case _:
            assert block.language in NO_CODE, f"a block is of the language {block.language!r}, which no test runs"
            if "prints" in block.notes:
                assert reader.shows(block.text.splitlines(), space.printed), f"it prints:\n{space.printed}"


def _console(space, block) -> None:
    found = reader.sessions(block.text)
    code = 0
    for number, (command, shown) in enumerate(found):
        if command == "echo $?":
            assert shown == [str(code)], f"the exit code is {code}"
            continue
        code, printed = space.run(command)
        is_told = [after for after, _ in found[number + 1 : number + 2]] == ["echo $?"]
        assert code == 0 or is_told, f"`{command}` ends with {code}:\n{printed}"
        assert not shown or reader.shows(shown, printed), f"`{command}` prints:\n{printed}"


def _commands(space, block, *, is_long: bool) -> None:
    wrong = []
    for line in reader.typed(block.text):
        late = LONG if block.page == "README.md" and not is_long else ()
        if any(line.startswith(start) for start in (*NOT_RUN, *late)):
            continue
        assert line.split()[0] in ("scalecheck", "python", "git", "pip", "cd"), f"it is no command: {line}"
        told = re.search(r" #.*\bexit code (\d)", line)
        wanted = int(told[1]) if told else 0
        code, printed = space.run(line, is_plan=True)
        if code != wanted:
            wrong.append(f"`{line}` ends with {code}:\n{printed}")
    assert wrong == [], "\n\n".join(wrong)


def _contents(block) -> None:
    folder = (ROOT / block.page).parent
    names = [line.strip() for line in block.text.splitlines() if line.strip() and not line.startswith(":")]
    assert names
    assert [name for name in names if not (folder / f"{name}.md").exists()] == []


# --- the test itself


@pytest.mark.parametrize(
    ("shown", "is_same"),
    [
        ("a\nb 1\n", True), ("...\nb 1\n", True), ("a\n...\n", True), ("a\nb ...\n", True), ("...\n", True),
        ("a\n", False), ("b 1\n", False), ("a\nb 2\n", False), ("...\na\n", False), ("a\nb\n", False),
    ],
)  # fmt: skip
def test_what_is_shown_is_compared(shown, is_same):
    assert reader.shows(shown.splitlines(), "a\nb 1\n") is is_same


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("```\nno language\n```", "language ''"),
        ("```ruby\nputs 1\n```", "language 'ruby'"),
        ("```console\n$ scalecheck nothing\n```", "ends with 2"),
        ("```console\n$ true\nwords\n```", "prints"),
        ("```console\n$ false\n$ echo $?\n0\n```", "exit code is 1"),
        ("```console\n$ false\n```", "ends with 1"),
        ("```python\n1 / 0\n```", "division by zero"),
        ("```yaml\nhydra: {callbacks: {scalecheck: {moed: stop}}}\n```", "moed"),
        ("```yaml\nmode: stpo\n```", "stpo"),
        ("```yaml\nfoo: 1\n```", "names no file"),
        (
            "In `conf/scalecheck/ours.yaml`:\n\n```yaml\n# @package _global_\ndefaults: [strict, _self_]\nhydra: {callbacks: {scalecheck: {moed: 1}}}\n```",
            "moed",
        ),
        ("```toml\nconfig_dri = 1\n```", "config_dri"),
        ("```json\n{}\n```", "no report"),
        ("    scalecheck optimal --flops 1e21 --law nobody\n", "ends with 2"),
        ("    scalecheck optimal --flops 1e21        # exit code 1\n", "ends with 0"),
        ("    rm -rf something\n", "no command"),
        ("```{eval-rst}\n.. autofunction:: scalecheck.nothing\n```", "nothing"),
        ("```{toctree}\nno-such-page\n```", "no-such-page"),
    ],
)
def test_a_block_that_is_wrong_fails(block, said, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"Some text.\n\n{block}\n")
    (found,) = reader.blocks(page, "page.md")
    space = workspaces.Workspace(ROOT / "examples" / "pretrain", tmp_path / "copy")
    (space.root / "scalecheck.toml").unlink()
    with pytest.raises(Exception, match=re.escape(said)):
        _run(space, found)


def test_a_block_knows_its_file_its_notes_and_its_line(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Text.\n\nIn `conf/a.yaml`, say:\n\n```yaml\na: 1\n```\n\n<!-- extended -->\n```console\n$ true\n```\n")
    first, second = reader.blocks(page, "page.md")
    assert (first.notes, first.line) == ({"file": "conf/a.yaml"}, 6)
    assert (second.notes, second.line, second.is_extended) == ({"extended": ""}, 11, True)
