"""A revision's tree in a temporary directory: real repositories, nothing of theirs is run, and nothing in them is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from scalecheck.errors import ScalecheckError
from scalecheck.revision import _unpack, commit_of, is_dirty, merge_base, repository_at, tree_of

WHO = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main")


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *WHO, *arguments], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(root: Path, message: str = "c", **files: str) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "--quiet")
    commit(root, "one", **{"conf/train.yaml": "a: 1\r\n", "sub/x": "x"})
    commit(root, "two", **{"conf/train.yaml": "a: 2\n"})
    return root


def files_of(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def laid_out(root: Path, revision: str = "HEAD") -> dict[str, bytes]:
    repository = repository_at(root)
    with tree_of(repository, commit_of(repository, revision)) as tree:
        return files_of(tree)


def test_tree_of_an_earlier_commit_byte_by_byte(repo):
    assert laid_out(repo, "HEAD~1") == {"conf/train.yaml": b"a: 1\r\n", "sub/x": b"x"}


def test_directory_is_gone_afterwards(repo):
    repository = repository_at(repo)
    with tree_of(repository, commit_of(repository, "HEAD")) as tree:
        assert tree.is_dir()
    assert not tree.parent.exists()


def test_directory_inside_the_checkout_is_known(repo):
    repository = repository_at(repo / "sub")
    assert repository.top.samefile(repo)
    assert repository.inside == Path("sub")


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()}


def test_nothing_of_the_checkout_or_its_git_directory_is_written(repo):
    os.utime(repo / "sub" / "x", (1, 1))  # what git status would like to note in the index
    before = snapshot(repo)
    repository = repository_at(repo)
    base = merge_base(repository, commit_of(repository, "HEAD~1"), commit_of(repository, "HEAD"))
    assert not is_dirty(repository)
    with tree_of(repository, base):
        pass
    assert snapshot(repo) == before


def test_dirty_by_a_change_or_an_unknown_file(repo):
    assert not is_dirty(repository_at(repo))
    (repo / "new.yaml").write_text("")
    assert is_dirty(repository_at(repo))


def test_attributes_of_the_tree_leave_nothing_out_and_run_no_filter(repo, tmp_path):
    ran = tmp_path / "ran"
    git(repo, "config", "filter.evil.smudge", f"touch {ran}; cat")
    attributes = "conf/** export-ignore\nsub/x export-subst filter=evil text eol=crlf ident\n"
    commit(repo, **{".gitattributes": attributes, "sub/x": "$Format:%H$ $Id$\nx\n", "conf/.gitattributes": "* export-ignore"})
    ran.unlink(missing_ok=True)
    found = laid_out(repo)
    assert found["conf/train.yaml"] == b"a: 2\n"
    assert found["sub/x"] == b"$Format:%H$ $Id$\nx\n"
    assert not ran.exists()


def test_monitor_and_hooks_of_the_repository_are_not_run(repo, tmp_path):
    ran = tmp_path / "ran"
    script = repo / ".git" / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    git(repo, "config", "core.fsmonitor", str(script))
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        shutil.copy(script, repo / ".git" / "hooks" / hook)
    ran.unlink(missing_ok=True)
    laid_out(repo)
    is_dirty(repository_at(repo))
    assert not ran.exists()


def test_links_that_lead_out_are_left_out_and_the_rest_is_there(repo, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s")
    links = {
        "absolute": str(secret),
        "up": "../../secret",
        "dot": ".",
        "through": "dot/../../secret",
        "within": "conf/train.yaml",
        "gone": "nowhere",
    }
    for name, target in links.items():
        (repo / name).symlink_to(target)
    commit(repo)
    repository = repository_at(repo)
    with tree_of(repository, commit_of(repository, "HEAD")) as tree:
        assert {path.name for path in tree.iterdir() if path.is_symlink()} == {"dot", "within", "gone"}
        assert (tree / "within").read_text() == "a: 2\n"


def test_path_that_no_checkout_can_have_is_refused(repo):
    blob = git(repo, "rev-parse", "HEAD:sub/x")
    entry = b"100644 ..\0" + bytes.fromhex(blob)
    command = ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
    evil = subprocess.run(command, cwd=repo, input=entry, capture_output=True, check=True).stdout.decode().strip()
    made = git(repo, "commit-tree", "-m", "evil", evil)
    with pytest.raises(ScalecheckError, match="cannot read the whole tree.*invalid path"):
        laid_out(repo, made)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", ".git/hooks/x", ".GIT/config"])
def test_archive_of_a_git_that_lets_such_a_path_through_is_refused_too(tmp_path, name):
    archive, tree = tmp_path / "a" / "t.tar", tmp_path / "a" / "tree"
    tree.mkdir(parents=True)
    with tarfile.open(archive, "w") as made:
        made.addfile(tarfile.TarInfo(name))
    with pytest.raises(ScalecheckError, match="no checkout can have"):
        _unpack(archive, tree)
    assert {path.name for path in tmp_path.rglob("*")} == {"a", "t.tar", "tree"}


def test_works_inside_a_git_hook_and_in_a_linked_worktree(repo, monkeypatch, tmp_path):
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "linked"), "HEAD~1")
    assert laid_out(tmp_path / "linked")["conf/train.yaml"] == b"a: 1\r\n"
    monkeypatch.setenv("GIT_DIR", str(repo / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo / ".git" / "index"))
    assert laid_out(repo)["conf/train.yaml"] == b"a: 2\n"


def test_no_repository(tmp_path):
    with pytest.raises(ScalecheckError, match="no git checkout.*base.json"):
        repository_at(tmp_path)


def test_no_git(repo, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ScalecheckError, match="git is not installed"):
        repository_at(repo)


@pytest.mark.parametrize("revision", ["origin/main", "--output=x", "", "a\nb", "a\0b", "HEAD:conf"])
def test_revision_that_is_none(repo, revision):
    with pytest.raises(ScalecheckError, match="there is no revision.*git fetch origin") as caught:
        commit_of(repository_at(repo), revision)
    assert "\n" not in str(caught.value)
    assert not (repo / "x").exists()


def test_shallow_clone_says_what_to_fetch(repo, tmp_path):
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repo}", "shallow")
    shallow = tmp_path / "shallow"
    assert laid_out(shallow)["conf/train.yaml"] == b"a: 2\n"
    with pytest.raises(ScalecheckError, match="git fetch --unshallow.*fetch-depth: 0"):
        commit_of(repository_at(shallow), "HEAD~1")


def test_no_common_ancestor_in_a_shallow_clone_and_in_a_whole_one(repo, tmp_path):
    git(repo, "checkout", "--quiet", "-b", "side", "HEAD~1")
    side = commit(repo, **{"sub/x": "side"})
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--no-single-branch", f"file://{repo}", "shallow")
    shallow = repository_at(tmp_path / "shallow")
    with pytest.raises(ScalecheckError, match="no common ancestor.*unshallow"):
        merge_base(shallow, commit_of(shallow, "origin/main"), side)
    git(repo, "checkout", "--quiet", "--orphan", "other")
    other = commit(repo, "root")
    with pytest.raises(ScalecheckError, match="no common ancestor.*--exact"):
        merge_base(repository_at(repo), other, side)


def test_partial_clone_says_so(repo, tmp_path):
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{repo}", "partial")
    with pytest.raises(ScalecheckError, match="this clone is partial"):
        laid_out(tmp_path / "partial")


def test_sha256_repository(tmp_path):
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    commit(tmp_path, x="1")
    assert laid_out(tmp_path) == {"x": b"1"}


def test_disk_that_is_full_is_one_sentence(repo, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(ScalecheckError, match="No space left on device.*TMPDIR"):
        laid_out(repo)
