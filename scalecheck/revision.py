"""The tree of a git revision in a temporary directory; the user's checkout, index and .git are only read.

The tree may be a stranger's. Nothing of it is run: no hook, no filter, no monitor; and its .gitattributes leave nothing out and change
nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from scalecheck.errors import ScalecheckError
from scalecheck.text import clean
from scalecheck.values import dataclass

_HARMLESS = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_AS_STORED = "* -export-ignore -export-subst -filter -text -eol -ident !working-tree-encoding\n"
"""Attributes that win over those of any tree: every file, byte by byte."""
_SHALLOW = (
    ": this is a shallow clone, so fetch the rest with `git fetch --unshallow` (in GitHub Actions: fetch-depth: 0 at actions/checkout)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A git checkout, as seen from a directory in it. ``inside`` is that directory, relative to ``top``."""

    top: Path
    inside: Path
    objects: Path
    hash_name: str
    is_shallow: bool


def repository_at(directory: Path) -> Repository:
    """Return the checkout that a directory belongs to.

    Raises:
        ScalecheckError: git is not installed, or there is no checkout.
    """
    asked = ("--show-toplevel", "--show-prefix", "--show-object-format", "--is-shallow-repository", "--git-path", "objects")
    done = _git(directory, "rev-parse", *asked)
    lines = done.stdout.split("\n")
    if done.returncode != 0 or len(lines) < 5:
        reason = f"git says: {_said(done)}" if "dubious" in done.stderr else "this is in no git checkout"
        message = f"{clean(str(directory))}: {reason}; --base compares with a revision; without git: scalecheck diff base.json head.json."
        raise ScalecheckError(message)
    top, inside, hash_name, is_shallow, objects = lines[:5]
    return Repository(
        top=Path(top),
        inside=Path(inside),
        objects=(directory / objects).resolve(),
        hash_name=hash_name,
        is_shallow=is_shallow == "true",
    )


def commit_of(repository: Repository, revision: str) -> str:
    """Return the hash of the commit that a revision names.

    Raises:
        ScalecheckError: there is none of that name here.
    """
    if revision and not revision.startswith("-") and "\0" not in revision:
        done = _git(repository.top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.strip()
    name = clean(revision[:100])
    hint = _SHALLOW if repository.is_shallow else ": `git fetch origin` brings what the server has, `git branch -a` lists what is here."
    message = f"there is no revision '{name}' in {clean(str(repository.top))}{hint}"
    raise ScalecheckError(message)


def merge_base(repository: Repository, base: str, head: str) -> str:
    """Return the commit that two commits go back to.

    Raises:
        ScalecheckError: there is none, or the clone does not reach back to it.
    """
    done = _git(repository.top, "merge-base", base, head)
    if done.returncode == 0 and done.stdout.strip():
        return done.stdout.split()[0]
    hint = _SHALLOW if repository.is_shallow else ": --exact compares with the base as it is."
    message = f"{base[:10]} and {head[:10]} have no common ancestor in {clean(str(repository.top))}{hint}"
    raise ScalecheckError(message)


def is_dirty(repository: Repository) -> bool:
    """Tell whether the checkout differs from its last commit, by files that git does not know too."""
    done = _git(repository.top, "status", "--porcelain", "--ignore-submodules=dirty")
    return bool(done.stdout.strip())


@contextmanager
def tree_of(repository: Repository, commit: str) -> Iterator[Path]:
    """Lay out the tree of a commit in a temporary directory and yield it; then it is gone.

    Raises:
        ScalecheckError: git cannot read all of it, it holds a path that leads out of it, or the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="scalecheck-", ignore_cleanup_errors=True) as made:
        git_dir, tree = Path(made) / "git", Path(made) / "tree"
        tree.mkdir()
        try:
            _make_git_dir(repository, git_dir)
            _unpack(_archived(repository, git_dir, commit), tree)
        except OSError as failure:
            message = f"the tree of {commit[:10]} cannot be written to {made}: {failure.strerror or failure}; TMPDIR names another place."
            raise ScalecheckError(message) from None
        yield tree


def _make_git_dir(repository: Repository, git_dir: Path) -> None:
    """Make a repository of our own over the user's objects: it has no config, hooks or filters, and its attributes go before the tree's."""
    new = ("init", "--quiet", "--bare", "--template=", f"--object-format={repository.hash_name}", str(git_dir))
    done = _git(git_dir.parent, *new, alone={})
    if done.returncode != 0:
        message = f"git cannot make a temporary repository: {_said(done)}."
        raise ScalecheckError(message)
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "info" / "attributes").write_text(_AS_STORED)


def _archived(repository: Repository, git_dir: Path, commit: str) -> Path:
    """Return the tree as a tar file. The tree's hash is asked for, not the commit's, so that no commit has to be there but this one."""
    tree = _git(repository.top, "rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}").stdout.strip()
    archive = git_dir.with_suffix(".tar")
    over_theirs = {"GIT_DIR": str(git_dir), "GIT_OBJECT_DIRECTORY": str(repository.objects)}
    done = _git(git_dir, "archive", "--format=tar", f"--output={archive}", tree or commit, alone=over_theirs)
    if done.returncode != 0:
        is_partial = any(repository.objects.glob("pack/*.promisor"))
        hint = "; this clone is partial, and all is needed: clone without --filter" if is_partial else ""
        message = f"git cannot read the whole tree of {commit[:10]}: {_said(done)}{hint}."
        raise ScalecheckError(message)
    return archive


def _unpack(archive: Path, tree: Path) -> None:
    """Unpack files and directories, and then links, so that nothing is written through one; a link that leads out of the tree is left out.

    ``filter="data"`` of tarfile is not in every Python 3.10 and 3.11, and would refuse a repo for one link to a data disk.
    """
    links = []
    with tarfile.open(archive, "r:", encoding="utf-8", errors="surrogateescape") as members:
        for member in members:
            path = tree.joinpath(*_steps(member.name))
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif member.issym():
                links.append((path, member.linkname))
            elif member.isfile() and (content := members.extractfile(member)) is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    shutil.copyfileobj(content, file)
    for path, target in links:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    top = Path(os.path.realpath(tree))
    for path, _ in links:
        if not Path(os.path.realpath(path)).is_relative_to(top):
            path.unlink()


def _steps(name: str) -> list[str]:
    steps = [step for step in name.split("/") if step not in ("", ".")]
    if name.startswith("/") or ".." in steps or (steps and steps[0].lower() == ".git"):
        message = f"the tree holds a path that no checkout can have, {clean(name)[:100]}: it was not made by git."
        raise ScalecheckError(message)
    return steps


def _git(directory: Path, *arguments: str, alone: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run git without a shell, with nothing of it written to a repository; ``alone`` without any config of the user or the machine."""
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    environment = {**os.environ, **quiet}
    if alone is not None:
        kept = {name: value for name, value in environment.items() if not name.startswith("GIT_")}
        environment = kept | quiet | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull} | dict(alone)
    command = ["git", *_HARMLESS, *arguments]
    try:
        done = subprocess.run(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 - no shell
    except FileNotFoundError:
        message = "git is not installed (no `git` on PATH), and --base needs it; scalecheck diff base.json head.json does not."
        raise ScalecheckError(message) from None
    out, err = (os.fsdecode(text) for text in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(command, done.returncode, out, err)


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return clean(done.stderr.strip().split("\n")[0].removeprefix("fatal: "))[:200].rstrip(".")
