"""What is not known, or beyond all measure, leaves an honest page: no figure at zero, no fault of the browser."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

CASES = {
    "tokens_unknown": {"training_tokens": None, "training_flops": None, "tokens_per_parameter": None},
    "params_unknown": {"total_params": None, "active_params": None, "non_embedding_params": None, "active_non_embedding_params": None, "training_flops": None, "tokens_per_parameter": None, "params_status": "unknown"},
    "huge": {"training_tokens": 10**400, "training_flops": 10**420, "tokens_per_parameter": math.inf},
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory, made):
    return made.report(tmp_path_factory.mktemp("unknown"))


def known_less(job, account, case):
    plan = job.run.reading.plan
    plan = replace(plan, training_tokens=account.get("training_tokens", plan.training_tokens))
    parts = () if case == "params_unknown" else job.run.account.parts
    return replace(
        job,
        run=replace(
            job.run,
            outlooks={},
            reading=replace(job.run.reading, plan=plan),
            account=replace(job.run.account, parts=parts, **account),
        ),
    )


@pytest.mark.parametrize(("case", "number"), [("tokens_unknown", 1), ("params_unknown", 1), ("tokens_unknown", 24), ("huge", 24)])
def test_page_opens_and_says_so(browser, found, made, tmp_path, case, number, phone):
    jobs = tuple(known_less(job, CASES[case], case) if number == 1 or index % 2 else job for index, job in enumerate(found.jobs[:number]))
    page = browser.open(made.written(tmp_path / "report.html", replace(found, jobs=jobs)), phone)
    assert page.faults() == []
    assert page.measure("overlaps", 1.5) == []
    assert page.measure("cut", 1) == []
    assert page.run("return document.documentElement.scrollWidth") == phone.width
    text = page.run("return document.body.innerText").lower()
    assert "nan" not in text.split()
    assert any(word in text for word in ("unknown", "not known", "too large", "infinite", "left out")), text[:2000]
