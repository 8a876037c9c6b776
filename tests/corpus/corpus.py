"""Reads the real configs in this folder and compares what scalecheck says with what is true.

python tests/corpus/corpus.py            # the table, without and with each case's read.yaml
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from scalecheck import compose
from scalecheck.facts import Job
from scalecheck.pipeline import JobInput, check_job
from scalecheck.policy import load_policy
from scalecheck.views import ConfigView

HERE = Path(__file__).parent
WORDS = ("exact", "bound", "assumed", "unknown", "WRONG", "silent")


def _no_such_package(*_: Any) -> Any:
    message = "the repo's own package is not installed here"
    raise ImportError(message)


# What the repos' own train.py registers under these names, and what torch counts on a machine without a GPU.
RESOLVERS: dict[str, Callable[..., Any]] = {
    "eval": eval,
    "div_up": lambda dividend, divisor: (dividend + divisor - 1) // divisor,
    "cwd": os.getcwd,
    "device_count": lambda: 0,
    "multiply": lambda first, second: first * second,
    "mul": lambda first, second: first * second,
    "divide_ceil": lambda dividend, divisor: math.ceil(dividend / divisor),
    "divide_floor": lambda dividend, divisor: dividend // divisor,
    "floordiv": lambda dividend, divisor: dividend // divisor,
    "join_path": os.path.join,
    "as_tuple": lambda *items: tuple(items),
    "cls_getattr": _no_such_package,
    "min": min,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One config of a public training repo, with what is true about the run."""

    path: Path
    about: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def truth(self) -> Mapping[str, Any]:
        return self.about["truth"]

    @property
    def is_hydra(self) -> bool:
        return self.about["launch"] == "hydra.main"

    @property
    def must_be_silent(self) -> bool:
        return self.about["expected_behaviour"] == "silent"

    @property
    def environ(self) -> dict[str, str]:
        """What the launch has in its environment: the number of processes that the README's command starts."""
        world = self.about["needs"].get("env_world_size")
        return {} if world is None else {"WORLD_SIZE": str(world)}

    @property
    def mapping(self) -> dict[str, Any]:
        """The lines that a user would write under ``read:`` of the policy; none where nothing is missing."""
        path = self.path / "read.yaml"
        return yaml.safe_load(path.read_text()) if path.exists() else {}


def cases() -> list[Case]:
    """Return every case of the folder."""
    return [Case(path=path.parent, about=json.loads(path.read_text())) for path in sorted(HERE.glob("*/case.json"))]


@contextmanager
def as_its_repo_would(case: Case) -> Iterator[None]:
    """Register the resolvers that the repo's own script registers, and set the variables that it needs."""
    OmegaConf.clear_resolvers()
    before = dict(os.environ)
    for name in case.about["needs"].get("resolvers", []):
        OmegaConf.register_new_resolver(name, RESOLVERS[name], replace=True)
    os.environ.update(case.about["needs"].get("env", {}))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        OmegaConf.clear_resolvers()


@contextmanager
def composed(case: Case) -> Iterator[Any]:
    """Compose a case as its app would."""
    with as_its_repo_would(case):
        if not case.is_hydra:
            yield OmegaConf.merge(*[OmegaConf.load(case.path / name) for name in case.about["config_files"]])
            return
        with compose.hydra_at(case.path / case.about["config_dir"], case.about["version_base"]):
            yield compose.compose_main(case.about["config_name"], case.about["overrides"], multirun=False)


def checked(case: Case, *, mapped: bool) -> Job:
    """Check a case, with its mapping or without one."""
    with composed(case) as config:
        return _judged(case, config, mapped=mapped)


def checked_both_ways(case: Case) -> dict[bool, Job]:
    """Check a case that is composed once, without its mapping and with it."""
    with composed(case) as config:
        return {mapped: _judged(case, config, mapped=mapped) for mapped in (False, True)}


def _judged(case: Case, config: Any, *, mapped: bool) -> Job:
    policy = load_policy({"read": case.mapping if mapped else {}})
    return check_job(JobInput(view=ConfigView(config), environ=case.environ), policy)


def is_silent(job: Job) -> bool:
    """Tell whether no law was asked, for a reason that is said."""
    plan = job.run.reading.plan
    return job.verdict == "silent" and not job.run.outlooks and plan.intent != "pretrain" and bool(plan.intent_reason)


def word_for_params(case: Case, job: Job) -> str:
    """Return how N was told, in one of ``WORDS``."""
    if case.must_be_silent:
        return "silent" if is_silent(job) else "WRONG"
    account, truth = job.run.account, case.truth["n_params_total"]
    if account.total_params is None:
        known = account.non_embedding_params
        return "unknown" if known in (None, case.truth.get("n_params_nonembedding")) else "WRONG"
    if account.params_status == "assumed":
        return "assumed"
    active = case.truth.get("n_params_active")
    is_true = account.total_params == truth and (case.mapping.get("total_params") == truth or account.active_params == active)
    return "exact" if is_true else "WRONG"


def word_for_tokens(case: Case, job: Job) -> str:
    """Return how D was told, in one of ``WORDS``."""
    if case.must_be_silent:
        return "silent" if is_silent(job) else "WRONG"
    plan, truth = job.run.reading.plan, case.truth["tokens"]
    if plan.training_tokens is None or plan.tokens_status in ("unknown", "per_device"):
        return "unknown"
    if plan.tokens_status == "upper_bound":
        return "bound" if plan.training_tokens >= truth else "WRONG"
    if plan.tokens_status == "assumed":
        return "assumed"
    return "exact" if plan.training_tokens == truth and not case.truth["tokens_is_upper_bound"] else "WRONG"


def table(*, mapped: bool) -> tuple[list[tuple[str, ...]], Counter[str], Counter[str]]:
    """Return a row per case and the totals of N and of D."""
    rows, params, tokens = [], Counter[str](), Counter[str]()
    for case in cases():
        job = checked(case, mapped=mapped)
        of_params, of_tokens = word_for_params(case, job), word_for_tokens(case, job)
        params[of_params] += 1
        tokens[of_tokens] += 1
        reading = job.run.reading
        dialects = f"{reading.model_dialect or '-'} / {reading.schedule_dialect or '-'}"
        lines = str(len(case.mapping)) if mapped and case.mapping else ""
        rows.append((case.name, of_params, of_tokens, reading.plan.intent, dialects, lines))
    return rows, params, tokens


def lines(*, mapped: bool) -> Iterator[str]:
    """Yield the table as text."""
    rows, params, tokens = table(mapped=mapped)
    yield f"{'with the mapping of each case' if mapped else 'without any mapping'}:"
    width = max(len(row[0]) for row in rows)
    yield f"{'case':{width}}  {'N':8} {'D':8} {'intent':10} {'model / schedule dialect':40} {'lines of mapping' if mapped else ''}".rstrip()
    for name, of_params, of_tokens, intent, dialects, count in rows:
        yield f"{name:{width}}  {of_params:8} {of_tokens:8} {intent:10} {dialects:40} {count}".rstrip()
    for letter, totals in (("N", params), ("D", tokens)):
        yield f"{letter}: " + ", ".join(f"{totals[word]} {word}" for word in WORDS if totals[word])


if __name__ == "__main__":
    for mapped in (False, True):
        print("\n".join(lines(mapped=mapped)))
        print()
