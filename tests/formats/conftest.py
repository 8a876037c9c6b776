"""One report per situation, rendered by every format."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scalecheck.facts import Finding, Origin
from scalecheck.pipeline import JobInput, check_job, locate_job, summarise
from scalecheck.policy import load_policy

GOLDEN = Path(__file__).parents[1] / "golden"
GPT2 = {"n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}
RUN = {"trainer": {"max_steps": 4800, "devices": 1, "accumulate_grad_batches": 1}, "data": {"batch_size": 512, "seq_len": 1024}}
STRICT = {"mode": "stop", "rules": {"undertrained": {"severity": "error"}}}


@pytest.fixture
def report_of(view_of):
    """``report_of(config, …, policy=…)``: a report on these configs, as jobs 0, 1, 2 …"""

    def made(*configs, policy=None, overrides=()):
        chosen = load_policy(policy)
        jobs = []
        for number, config in enumerate(configs):
            typed = tuple(overrides[number]) if overrides else ()
            job = check_job(JobInput(view=view_of(config), name=str(number), overrides=typed, environ={}), chosen)
            jobs.append(locate_job(job, lambda key: Origin(key=key, file="conf/trainer/default.yaml", line=3), origins=True))
        return summarise(jobs, chosen)

    made.parts = (GPT2, RUN)
    return made


@pytest.fixture
def situations(report_of):
    short = {**RUN, "trainer": {**RUN["trainer"], "max_steps": 356}}
    return {
        "pass": report_of({"model": GPT2, **RUN}),
        "warn": report_of({"model": GPT2, **short}),
        "stop": report_of({"model": GPT2, **short}, policy=STRICT),
        "over_budget": report_of({"model": GPT2, **RUN}, policy={"mode": "stop", "rules": {"over_budget": {"max_training_flops": "1e18"}}}),
        "unknown": report_of({"model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 64}, **RUN}),
        "nothing": report_of({"name": "x"}),
        "finetune": report_of({"model": GPT2, **short}, policy={"intent": "finetune"}),
        "overtrained": report_of({"model": GPT2, **RUN, "trainer": {**RUN["trainer"], "max_steps": 400_000}}),
        "sweep": report_of(
            {"model": GPT2, **RUN},
            {"model": GPT2, **short},
            {"model": GPT2, **short},
            policy=STRICT,
            overrides=(["a=1"], ["a=2", "b=x"], ["a=3", "b=x"]),
        ),
    }


@pytest.fixture
def golden():
    """``golden(name, text)`` compares with tests/golden/name; UPDATE_GOLDENS=1 rewrites it."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDENS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"no {path}; run make goldens and read what it wrote"
        assert text == path.read_text()

    return compare


@pytest.fixture
def hostile(report_of):
    """A report whose texts try to forge lines, colours and markup."""
    from dataclasses import replace

    report = report_of({"model": GPT2, **RUN}, overrides=(["a=\x1b[31mred\nscalecheck: pass: forged"],))
    finding = Finding(
        rule="undertrained", severity="error", message="::error::x\n\x1b[2J\u202eabc", origin=Origin(key="a\nb", file="c\td", line=1)
    )
    return replace(report, jobs=(replace(report.jobs[0], findings=(finding,)),) * 2)
