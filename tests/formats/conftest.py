"""One report per situation, rendered by every format."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from scalecheck.facts import Account, Finding, Job, Origin, Reading, Remedy, Report, Run, TrainingPlan
from scalecheck.pipeline import JobInput, check_job, locate_job, summarise
from scalecheck.policy import load_policy

GOLDEN = Path(__file__).parents[1] / "golden"
GPT2 = {"n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}
RUN = {"trainer": {"max_steps": 4800, "devices": 1, "accumulate_grad_batches": 1}, "data": {"batch_size": 512, "seq_len": 1024}}
STRICT = {"mode": "stop", "rules": {"undertrained": {"severity": "error"}}}


HOSTILE = (
    "::error::x", "\n::set-env name=A::b", "\r::stop-commands::t", " ::add-mask::x", "##[error]x", "a ##[add-path]/b", "%0A::error::x", "%25", "a%",
    "a,b:c=d", "\x1b[31mred", "\x1b]0;title\x07", "\x00", "\x08\x08", "\x85a\u2028b\u2029c", "\u202eabc", "\u2066a\u2069", "\ufeffa\u200b", "\ud800", "\udcff\udfff",
    "\ufffe\uffff", "\U0010ffff", "<script>alert(1)</script>", "<img src=x onerror=y>", "</details><h1>x", "<!-- x", "--> x", "]]>", "<![CDATA[x]]>", "<?xml?>",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", "&amp;&lt;&#x41;&x;", "a | b | c", "a\\|b", "\\", "a\\", "`a`", "```\n# x\n```", "``", "a``b`", "**bold** __x__ _y_ ~~z~~",
    "# x", "- x", "1. x", "> x", "---", "===", "+ x", "\t\tcode", "[text](https://evil.example)", "![i](http://x.example/p.png)", "[a]: http://x.example", "<https://x.example>",
    "http://x.example www.x.example", "WWW.x.example", "a@b.example", "@team/x and @user", "#1 owner/repo#2 GH-3", "$x$ $`y`$", ":+1:", "{0} {{1}} %s %(a)s ${oc.env:TOKEN}", "'\"\"\"'",
    "../../etc/passwd", "/etc/passwd", "C:\\a\\b", "a:b/c d.yaml", "é ü 中文 🚀.yaml", " ", "  a  ", "x" * 5000, "@" * 2000, "a=" + "9" * 5000,
)  # fmt: skip
"""Texts that mean something to a log, a terminal, a browser, or one of the formats."""


def pytest_generate_tests(metafunc):
    """Give each text of the list to a test that asks for a ``hostile_text``."""
    if "hostile_text" in metafunc.fixturenames:
        metafunc.parametrize("hostile_text", HOSTILE, ids=range(len(HOSTILE)))


@pytest.fixture(scope="session")
def filled():
    """``filled(text)``: a report of two jobs with that text wherever a config's or a policy's text can stand."""

    def made(text):
        origin = Origin(key=text, file=text, line=3, override=text)
        remedies = (Remedy(overrides=(text,), effect=text), Remedy(effect=text))
        bad = Finding(rule="undertrained", severity="error", message=text, remedies=remedies, origin=origin, subject=text)
        note = Finding(rule="assumed_values", severity="note", message=text, origin=Origin(override=text))
        kept = Finding(rule="repeated_data", severity="warning", message=text, origin=origin, waived=text)
        run = Run(reading=Reading(plan=TrainingPlan(intent_reason=text)), account=Account(), judge=text)
        first = Job(name=text, overrides=(f"a={text}",), run=run, findings=(bad, note, kept), verdict="stop", config=text)
        second = Job(name="1", overrides=(text, "b=2"), run=run, findings=(bad,), verdict="stop", config=text)
        return Report(jobs=(first, second), findings=(Finding(rule="over_budget", severity="warning", message=text),), verdict="stop")

    return made


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


def on_purpose(report):
    """Return the sweep as ``scalecheck check`` reports it of a repo, with what its last job has waived."""
    words = "smoke-scale ablation (until 2026-12-31, mia)"
    jobs = [replace(job, config="conf/train.yaml") for job in report.jobs]
    jobs[2] = replace(jobs[2], findings=tuple(replace(finding, waived=words) for finding in jobs[2].findings), verdict="pass")
    return replace(report, jobs=tuple(jobs))


@pytest.fixture
def situations(report_of):
    short = {**RUN, "trainer": {**RUN["trainer"], "max_steps": 356}}
    sweep = report_of(
        {"model": GPT2, **RUN},
        {"model": GPT2, **short},
        {"model": GPT2, **short},
        policy=STRICT,
        overrides=(["a=1"], ["a=2", "b=x"], ["a=3", "b=x"]),
    )
    return {
        "pass": report_of({"model": GPT2, **RUN}),
        "warn": report_of({"model": GPT2, **short}),
        "stop": report_of({"model": GPT2, **short}, policy=STRICT),
        "over_budget": report_of({"model": GPT2, **RUN}, policy={"mode": "stop", "rules": {"over_budget": {"max_training_flops": "1e18"}}}),
        "unknown": report_of({"model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 64}, **RUN}),
        "nothing": report_of({"name": "x"}),
        "finetune": report_of({"model": GPT2, **short}, policy={"intent": "finetune"}),
        "overtrained": report_of({"model": GPT2, **RUN, "trainer": {**RUN["trainer"], "max_steps": 400_000}}),
        "sweep": sweep,
        "waived": on_purpose(sweep),
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
    report = report_of({"model": GPT2, **RUN}, overrides=(["a=\x1b[31mred\nscalecheck: pass: forged"],))
    finding = Finding(
        rule="undertrained", severity="error", message="::error::x\n\x1b[2J\u202eabc", origin=Origin(key="a\nb", file="c\td", line=1)
    )
    return replace(report, jobs=(replace(report.jobs[0], findings=(finding,)),) * 2)
