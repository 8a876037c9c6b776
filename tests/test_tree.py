"""The tree keeps its budget, its folders are mirrored by tests, and what is packaged is what is there."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("scalecheck", "hydra_plugins", "examples") for path in (ROOT / folder).rglob("*.py"))
FOLDERS = (
    "architectures", "commands", "laws", "rules", "formats", "dialects/models", "dialects/schedules", "pictures", "fit_pictures",
)  # fmt: skip
MACHINERY = ("facts", "drawing", "page")  # packages that are one thing in several files
TOP_LEVEL = (
    ".ci", ".pre-commit-hooks.yaml", "CHANGELOG.md", "README.md", "Makefile", "action.yml", "pyproject.toml",
    "benchmarks", "conf", "docs", "examples", "hydra_plugins", "scalecheck", "templates", "tests",
)  # fmt: skip
FOLDER_TESTS = ("rules_folder", "architectures_folder", "adding_a_family", "oracle")  # of all members together
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 300, 40, 6


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_there_are_sources():
    assert len(SOURCES) > 30


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_and_its_functions_are_within_the_size_budget(path):
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES
    for function in functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        told = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        parameters = [argument.arg for argument in told if argument.arg not in ("self", "cls")]
        assert length <= MAX_FUNCTION_LINES, f"{function.name} has {length} lines"
        assert len(parameters) <= MAX_PARAMETERS, f"{function.name} takes {parameters}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_member_of_an_open_folder_has_its_test(folder):
    members = [path.stem for path in (ROOT / "scalecheck" / folder).glob("*.py") if path.stem != "__init__"]
    assert members
    for member in members:
        found = list((ROOT / "tests" / folder.split("/", maxsplit=1)[0]).glob(f"test_{member}*.py"))
        assert found, f"scalecheck/{folder}/{member}.py has no tests/{folder.split('/')[0]}/test_{member}.py"


def test_every_open_folder_is_known_here():
    """A folder that is added is an open set too; one that holds folders is none itself."""
    packages = {path.parent for path in (ROOT / "scalecheck").rglob("*.py")}
    leaves = {path for path in packages if not any(other.parent == path for other in packages)}
    assert {path.relative_to(ROOT / "scalecheck").as_posix() for path in leaves} == {*FOLDERS, *MACHINERY}


def test_no_test_is_left_of_a_member_that_is_gone():
    for folder in {folder.split("/")[0] for folder in FOLDERS}:
        members = {path.stem for path in (ROOT / "scalecheck" / folder).rglob("*.py")}
        for path in (ROOT / "tests" / folder).glob("test_*.py"):
            name = path.stem.removeprefix("test_")
            assert name in FOLDER_TESTS or any(name == member or name.startswith(f"{member}_") for member in members), path.name


def test_packages_listed_by_hand_are_those_of_the_tree():
    text = (ROOT / "pyproject.toml").read_text()
    listed = set(re.findall(r'"([^"]+)"', text.split("packages = [")[1].split("]")[0]))
    tree = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for folder in ("scalecheck", "hydra_plugins")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert listed == tree | {"scalecheck.conf", "hydra_plugins"}


def test_plugin_namespace_has_no_init():
    assert not (ROOT / "hydra_plugins" / "__init__.py").exists(), "it would hide every other Hydra plugin"


def test_option_files_have_their_package_on_the_first_line():
    files = sorted((ROOT / "conf").glob("*/**/*.yaml"))
    assert len(files) >= 4
    assert all(path.read_text().startswith("# @package ") for path in files)


def test_plugin_modules_import_only_stdlib_and_hydra_at_the_top():
    for path in (ROOT / "hydra_plugins").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] not in ("scalecheck", "pydantic", "numpy", "yaml"), f"{path.name} imports {name}"
        assert "from __future__ import annotations" not in path.read_text(), "hydra-core 1.3 runs plugin modules outside sys.modules"


def test_repository_speaks_of_the_project_alone():
    private = re.compile("|".join(("/wor" + "k/", r"\.\./sha" + "red", "/tm" + "p/dev")))
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\0")
    everything = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())  # where git has nothing to say
    names = [name for name in listed if name] or [str(path) for path in everything if path.parts[0] in TOP_LEVEL]
    assert len(names) >= len(SOURCES)
    for name in names:
        path = ROOT / name
        if path.is_file() and path.suffix in (".py", ".md", ".toml", ".yaml", ".yml", ".sh", ".txt", ".json", ""):
            assert not private.search(path.read_text(errors="ignore")), name
