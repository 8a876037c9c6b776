"""Which process of a launch speaks, and which one follows the process that started it."""

from __future__ import annotations

import pytest

from scalecheck import ranks
from scalecheck.ranks import MARK, is_first_rank, let_first_speak, mark_passed, was_passed_by_parent

TYPED = ["trainer.max_steps=5", "hydra.callbacks.scalecheck.mode=stop"]
BY_LIGHTNING = ['hydra.run.dir="outputs/2026-01-31/12-00-00"', "hydra.job.name=train_ddp_process_1", "hydra.output_subdir=null"]
TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "16"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "8"},
        {"RANK": ""},
        {"LOCAL_RANK": "-1"},
        {"RANK": "senior"},
        {"RANK": "9" * 5000},
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "4"},
        TORCHRUN | {"RANK": "0", "LOCAL_RANK": "0", "GROUP_RANK": "0"},
        TORCHRUN | {"RANK": "0", "LOCAL_RANK": "0", "SLURM_PROCID": "1"},
    ],
    ids=[
        "alone",
        "rank 0",
        "empty",
        "-1 of old scripts",
        "a word",
        "absurd",
        "slurm's first",
        "torchrun",
        "second torchrun of a slurm step",
    ],
)
def test_speaks(environ):
    assert is_first_rank(environ)


@pytest.mark.parametrize(
    "environ",
    [
        *({name: "1"} for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "GLOBAL_RANK")),
        *({name: "3"} for name in ("MV2_COMM_WORLD_RANK", "JSM_NAMESPACE_RANK", "FLUX_TASK_RANK", "SUBMITIT_LOCAL_GLOBALID")),
        {"NODE_RANK": "1", "LOCAL_RANK": "0"},
        TORCHRUN | {"RANK": "8", "LOCAL_RANK": "0", "GROUP_RANK": "1"},
        {"SLURM_PROCID": "0", "LOCAL_RANK": "1"},
        {"RANK": "0", "LOCAL_RANK": "1"},
        {"RANK": " 1\n"},
    ],
    ids=lambda environ: " ".join(f"{name}={value.strip()}" for name, value in environ.items()),
)
def test_is_silent(environ):
    assert not is_first_rank(environ)


def test_a_rank_that_says_nothing_waits_before_it_exits_and_the_first_does_not(monkeypatch):
    waited = []
    monkeypatch.setattr(ranks.time, "sleep", waited.append)
    let_first_speak({"RANK": "0"})
    assert waited == []
    let_first_speak({"RANK": "1"})
    assert waited == [ranks.PATIENCE_S]


def started(environ: dict[str, str], **more: str) -> dict[str, str]:
    return environ | {"LOCAL_RANK": "1", "WORLD_SIZE": "2"} | more


@pytest.fixture
def passed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environ: dict[str, str] = {}
    mark_passed(environ, "train.py", TYPED)
    return environ


def test_a_process_that_lightning_starts_follows_the_first(passed, tmp_path):
    assert was_passed_by_parent(started(passed), str(tmp_path / "train.py"), TYPED + BY_LIGHTNING)


def test_overrides_that_lightning_repeats_are_still_the_same_launch(tmp_path):
    environ: dict[str, str] = {"SLURM_PROCID": "0"}
    mark_passed(environ, str(tmp_path / "train.py"), ["++hydra.run.dir=mine", *TYPED])
    assert was_passed_by_parent(started(environ), str(tmp_path / "train.py"), ["++hydra.run.dir=mine", *TYPED, *BY_LIGHTNING])


def test_the_first_process_itself_is_checked_again(passed):
    assert not was_passed_by_parent(passed, "train.py", TYPED)
    assert not was_passed_by_parent(passed | {"LOCAL_RANK": "0", "WORLD_SIZE": "2"}, "train.py", TYPED)


def test_nothing_is_followed_without_a_mark():
    assert not was_passed_by_parent({"LOCAL_RANK": "1"}, "train.py", TYPED)
    assert not was_passed_by_parent({"LOCAL_RANK": "1", MARK: ""}, "train.py", TYPED)
    assert not was_passed_by_parent({"LOCAL_RANK": "1", MARK: "1"}, "train.py", TYPED)


def test_another_script_is_checked(passed):
    assert not was_passed_by_parent(started(passed), "evaluate.py", TYPED)


@pytest.mark.parametrize("overrides", [[], TYPED[:1], [*TYPED, "seed=2"], ["trainer.max_steps=6", TYPED[1]], ["trainer.max_steps=5", ""]])
def test_other_overrides_are_checked(passed, overrides):
    assert not was_passed_by_parent(started(passed), "train.py", overrides)


@pytest.mark.parametrize("more", [TORCHRUN | {"RANK": "1"}, {"RANK": "1"}, {"SLURM_PROCID": "1"}, {"OMPI_COMM_WORLD_RANK": "1"}])
def test_a_launcher_that_a_launch_starts_has_all_its_ranks_checked(passed, more):
    """The first of them is checked, so that the others must be too: they would otherwise wait for it."""
    assert not was_passed_by_parent(started(passed, **more), "train.py", TYPED)


def test_a_process_that_was_started_by_another_rank_leaves_the_mark_alone(passed):
    environ = started(passed)
    mark_passed(environ, "evaluate.py", [])
    assert environ == started(passed)


def test_the_first_process_of_a_second_node_marks_for_its_own():
    environ = {"NODE_RANK": "1"}
    mark_passed(environ, "train.py", TYPED)
    assert was_passed_by_parent(started(environ), "train.py", TYPED + BY_LIGHTNING)


def test_overrides_that_are_no_unicode_are_told_apart():
    environ: dict[str, str] = {}
    mark_passed(environ, "train.py", ["name=\udcff"])
    assert was_passed_by_parent(started(environ), "train.py", ["name=\udcff"])
    assert not was_passed_by_parent(started(environ), "train.py", ["name=\udcfe"])
