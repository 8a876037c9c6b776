"""Reports of any number of jobs, each unlike the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.facts import Origin
from scalecheck.pipeline import JobInput, check_job, locate_job, summarise
from scalecheck.policy import load_policy


def config_of(number):
    return {
        "model": {
            "n_layer": 2 + number % 23,
            "n_embd": 64 * (1 + number % 17),
            "n_head": 8,
            "n_positions": 1024,
            "vocab_size": 50257,
        },
        "trainer": {"max_steps": 100 + 13 * number, "devices": 1, "accumulate_grad_batches": 1},
        "data": {"batch_size": 64, "seq_len": 1024},
    }


@pytest.fixture
def sweep_of(view_of):
    """``sweep_of(number)``: a report of that many jobs; the first thousand are checked, the others are like them under another name."""

    def made(number):
        policy, jobs = load_policy(None), []
        for index in range(min(number, 1000)):
            typed = (f"model.n_layer={2 + index % 23}", f"trainer.max_steps={100 + 13 * index}", f"seed={index}")
            job = check_job(JobInput(view=view_of(config_of(index)), name=str(index), overrides=typed, environ={}), policy)
            jobs.append(locate_job(job, lambda key: Origin(key=key, file="conf/trainer/default.yaml", line=3), origins=True))
        for index in range(len(jobs), number):
            job = jobs[index % 1000]
            findings = tuple(replace(finding, message=f"{finding.message} ({index})") for finding in job.findings)
            jobs.append(replace(job, name=str(index), overrides=(*job.overrides, f"again={index}"), findings=findings))
        return summarise(tuple(jobs), policy)

    return made
