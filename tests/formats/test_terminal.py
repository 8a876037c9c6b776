"""The terminal's text, against files that a human reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalecheck.facts import Account, Finding, Job, Origin, Reading, Remedy, Report, Run, TrainingPlan
from scalecheck.formats.terminal import render

NAMES = ("pass", "warn", "stop", "over_budget", "unknown", "nothing", "finetune", "overtrained", "sweep", "waived")


@pytest.mark.parametrize("name", NAMES)
def test_golden(situations, golden, name):
    golden(f"{name}.txt", render(situations[name]))


def test_every_situation_has_a_golden(situations):
    assert set(situations) == set(NAMES)


def test_pass_is_one_line(situations):
    assert render(situations["pass"]).count("\n") == 1


def test_color_is_on_words_only_and_off_by_default(situations):
    plain, colored = render(situations["stop"]), render(situations["stop"], color=True)
    assert "\x1b" not in plain
    assert "\x1b[31merror\x1b[0m" in colored


def test_identical_findings_of_several_jobs_are_folded(situations):
    assert render(situations["sweep"]).count("[undertrained]") == 1
    assert "and 1 more" in render(situations["sweep"])


def test_hostile_text_forges_no_line_and_no_color(hostile):
    text = render(hostile)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not [line for line in text.splitlines() if line.startswith(("scalecheck: pass: forged", "::error"))]


def test_long_sweep_shows_what_does_not_pass(report_of):
    GPT2, RUN = report_of.parts

    short = {**RUN, "trainer": {**RUN["trainer"], "max_steps": 3}}
    text = render(
        report_of(*[{"model": GPT2, **RUN}] * 60, {"model": GPT2, **short}, overrides=[[f"seed={number}"] for number in range(61)])
    )
    assert "60 passing jobs not shown" in text
    assert "seed=60" in text


def is_inert(report, as_many_lines_as):
    lines = render(report).split("\n")
    assert len(lines) == len(render(as_many_lines_as).split("\n"))
    assert not [line for line in lines if line.lstrip().startswith("::")], "it would start a command of GitHub Actions"
    assert not [line for line in lines if "##[" in line], "a command of the older kind, which may stand anywhere"
    assert all(line.isprintable() for line in lines)


def test_hostile_text_of_the_list_forges_no_line_and_no_command(filled, hostile_text):
    is_inert(filled(hostile_text), filled("x"))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["::", "##[", "\n", "\x1b[2J", "\u202e", " "]) | st.characters(), min_size=1, max_size=30).map("".join))
def test_hostile_text_forges_no_line_and_no_command(filled, text):
    is_inert(filled(text), filled("x"))


def test_price_source_of_a_stranger_is_escaped_and_not_cut(report_of):
    GPT2, RUN = report_of.parts
    report = report_of({"model": GPT2, **RUN}, policy={"hardware": {"accelerator": "h100-sxm", "mfu": 0.4}})
    only = report.jobs[0]
    expense = replace(only.run.expense, cost_usd=2.0, cost_usd_low=2.0, cost_usd_high=2.0, cost_because="a\n::error::b")
    text = render(replace(report, jobs=(replace(only, run=replace(only.run, expense=expense)),)))
    assert "; about 2 USD (a\\n::error::b)\n" in text
    assert not [line for line in text.splitlines() if line.startswith("::")]


def test_waived_findings_are_counted_and_shown_once_with_their_reason(situations):
    lines = render(situations["waived"]).splitlines()
    assert lines[0].endswith(", 2 findings waived")
    assert lines[-2:] == [
        "waived: job 2 (a=3 b=x): undertrained: smoke-scale ablation (until 2026-12-31, mia)",
        "waived: job 2 (a=3 b=x): assumed_values: smoke-scale ablation (until 2026-12-31, mia)",
    ]


def test_waived_findings_of_many_jobs_are_one_line():
    waived = replace(BAD, waived="known")
    lines = text_of(*[job(number, findings=[waived, replace(waived, subject="b")]) for number in range(3)], job(3)).splitlines()
    assert lines[-1] == "waived: job 0 (seed=0) and 2 more: undertrained: known"
    all_of_them = text_of(*[job(number, findings=[waived]) for number in range(3)]).splitlines()
    assert all_of_them[-1] == "waived: all jobs: undertrained: known"
    of_the_sweep = render(Report(jobs=(job(0), job(1)), findings=(waived,)))
    assert of_the_sweep.splitlines()[-1] == "waived: all jobs: undertrained: known"
    many = text_of(*[job(number, findings=[replace(BAD, waived=str(number))]) for number in range(60)]).splitlines()
    assert many[-1] == "... 20 more lines of waived findings not shown; the json format has them all"


def test_waived_assumption_is_not_told_as_one():
    note = Finding(rule="assumed_values", message="assumed: bias=True", severity="note", waived="known")
    assert "(assumed: " not in text_of(job(findings=[note], origins={"bias": Origin(assumed=True)}))


BAD = Finding(rule="undertrained", message="too short", severity="error")


def job(number=0, *, findings=(), verdict="pass", account=None, origins=None, **plan):
    """One job that is made by hand, for what the line cannot be brought to say."""
    reading = Reading(plan=TrainingPlan(**plan), origins=origins or {})
    run = Run(reading=reading, account=account or Account(), judge="hoffmann2022_a1")
    return Job(name=str(number), overrides=(f"seed={number}",), run=run, findings=tuple(findings), verdict=verdict)


def text_of(*jobs):
    return render(Report(jobs=jobs))


def test_tokens_of_one_device_are_said_to_be_that():
    alone = job(training_tokens=2_100_000, tokens_status="per_device")
    assert ", D 2.10M tokens per device, C unknown: " in text_of(alone)
    assert "  2.10M/device  " in text_of(alone, alone)


def test_upper_bound_holds_for_tokens_and_flops():
    account = Account(total_params=100, training_tokens=2000, training_flops=30_000_000, tokens_per_parameter=20.0)
    bounded = job(account=account, tokens_status="upper_bound")
    assert "D at most 2,000 tokens (20 per parameter), C at most 3.00e7 FLOPs" in text_of(bounded)
    rows = text_of(bounded, bounded).splitlines()
    assert rows[2].split() == ["0", "100", "<=2,000", "<=20", "-", "<=3.00e7", "pass"]
    assert rows[4].split() == ["total", "<=4,000", "<=6.00e7"]


def test_file_without_a_line_shows_no_line():
    place = Origin(key="trainer.max_steps", file="conf/train.yaml")
    assert "\nconf/train.yaml: error: too short [undertrained]\n" in text_of(job(findings=[replace(BAD, origin=place)]))


@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        (Origin(key="a.b", file="c.yaml", line=3, override="a.b=1"), "c.yaml:3: error: "),
        (Origin(key="a.b", override="a.b=1"), "override a.b=1: error: "),
        (Origin(key="a.b"), "a.b: error: "),
        (Origin(), "error: "),
    ],
)
def test_place_is_file_then_override_then_key(origin, shown):
    assert f"\n{shown}too short" in text_of(job(findings=[replace(BAD, origin=origin)]))


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_assumption_that_the_policy_raised_is_shown_as_a_finding(severity):
    finding = Finding(rule="assumed_values", message="assumed: bias=True", severity=severity)
    assert f"\n{severity}: assumed: bias=True [assumed_values]\n" in text_of(
        job(findings=[finding], origins={"bias": Origin(assumed=True)})
    )


def test_waived_finding_shows_its_reason_and_no_remedy():
    waived = replace(BAD, waived="an ablation, see the plan", remedies=(Remedy(overrides=("trainer.max_steps=9",)),))
    shown = text_of(job(findings=[waived]))
    assert shown.splitlines()[1:] == ["waived: undertrained: an ablation, see the plan"]


def test_remedies_are_aligned_after_escaping():
    remedies = (Remedy(overrides=("a=\t\t\t\t",), effect="one"), Remedy(overrides=("b=1", "c=2"), effect="two"), Remedy(effect="three"))
    lines = text_of(job(findings=[replace(BAD, remedies=remedies)])).splitlines()[-3:]
    assert lines == ["  try: a=\\t\\t\\t\\t  one", "  or:  b=1 c=2     two", "  or:  three"]


def test_total_of_unknowns_is_unknown_and_not_zero():
    total = text_of(job(0), job(1)).splitlines()[-1]
    assert total.split() == ["total", "(D", "of", "2,", "C", "of", "2", "unknown)", "unknown", "unknown"]


def test_total_says_of_how_many_jobs_it_knows_nothing():
    known = job(0, account=Account(training_tokens=2**70, training_flops=10**25))
    total = text_of(known, known, job(1, account=Account(training_tokens=2**70))).splitlines()[-1]
    assert total.split() == ["total", "(C", "of", "1", "unknown)", "3.54e21", "2.00e25"]


def test_errors_of_a_sweep_stand_before_notes_of_earlier_jobs():
    note = Finding(rule="unknown_scale", message="no length", severity="note")
    shown = text_of(job(0, findings=[note]), job(1, findings=[BAD]))
    assert shown.index("job 1 (seed=1): error: ") < shown.index("job 0 (seed=0): note: ")


def test_wide_and_combining_characters_keep_the_columns():
    from unicodedata import combining, east_asian_width

    jobs = [replace(job(), overrides=(text,)) for text in ("a=\u65e5\u672c", "a=e\u0301", "a=plain")]
    heads = [row[: row.index("unknown")] for row in text_of(*jobs).splitlines()[2:5]]
    columns = [sum(0 if combining(sign) else 2 if east_asian_width(sign) == "W" else 1 for sign in head) for head in heads]
    assert len(set(columns)) == 1


def test_jobs_with_the_same_overrides_have_no_empty_brackets():
    same = replace(job(0, findings=[BAD]), overrides=("seed=1",))
    assert "\njob 0: error: " in text_of(same, replace(job(1), overrides=("seed=1",)))


def test_job_name_forges_no_color():
    assert "\x1b" not in text_of(replace(job(0, findings=[BAD]), name="\x1b[32m"), job(1))


def test_long_sweep_shows_the_stopped_before_the_unchecked():
    silent = [job(number, verdict="silent") for number in range(50)]
    stopped = job(99, verdict="stop", findings=[BAD])
    lines = text_of(*silent, *[job(60)] * 7, stopped).splitlines()
    assert lines[2].split()[:2] == ["99", "seed=99"]
    assert lines[3].endswith("no verdict")
    assert "... 7 passing jobs not shown" in lines
    assert "... 11 more jobs that do not pass not shown" in lines


def test_hundreds_of_different_findings_are_cut_and_counted():
    jobs = [job(number, verdict="stop", findings=[replace(BAD, message=f"too short by {number}")]) for number in range(300)]
    shown = text_of(*jobs)
    assert shown.count("[undertrained]") == 40
    assert shown.endswith("... 260 more findings not shown; the json format has them all\n")


def test_an_upper_bound_of_the_tokens_is_an_upper_bound_of_the_multiple(situations):
    """What is at most over-trained may be anything below; what is at most under-trained is."""
    for name, told in (("overtrained", "at most x"), ("warn", "under-trained (at most x")):
        (job,) = situations[name].jobs
        run = job.run
        plan = replace(run.reading.plan, tokens_status="upper_bound")
        bound = replace(job, run=replace(run, reading=replace(run.reading, plan=plan)))
        assert f": {told}" in render(Report(jobs=(bound,))).splitlines()[0]
        assert "over-trained" not in render(Report(jobs=(bound,))).splitlines()[0]
