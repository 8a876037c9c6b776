"""What formats share: findings in a row, paths that a host can follow, a job in a few words."""

from __future__ import annotations

import pytest

from scalecheck import listing
from scalecheck.facts import Account, Finding, Job, Origin, Outlook, Reading, Remedy, Report, Run, TrainingPlan


def job(name="0", *overrides, findings=(), config="", account=None, outlooks=None, **plan):
    run = Run(reading=Reading(plan=TrainingPlan(**plan)), account=account or Account(), outlooks=outlooks or {}, judge="law")
    return Job(name=name, overrides=overrides, run=run, findings=tuple(findings), verdict="pass", config=config)


def found(message="m", severity="error", **more):
    return Finding(rule="undertrained", message=message, severity=severity, **more)


def test_active_findings_come_errors_first_and_keep_their_order():
    report = Report(
        jobs=(job("0", findings=[found("a", "note"), found("b")]), job("1", findings=[found("c"), found("d", waived="w")])),
        findings=(found("e", "warning"),),
    )
    assert [(item.finding.message, item.job and item.job.name) for item in listing.active(report)] == [
        ("b", "0"),
        ("c", "1"),
        ("e", None),
        ("a", "0"),
    ]
    assert [item.finding.message for item in listing.waived(report)] == ["d"]
    assert len({item.fingerprint for item in [*listing.active(report), *listing.waived(report)]}) == 5


def test_folded_says_a_finding_once_with_its_jobs_and_a_job_once():
    twice = [found("a"), found("a")]
    items = listing.folded(Report(jobs=(job("0", findings=twice), job("1", findings=[found("a"), found("b", waived="w")]))))
    assert [(item.finding.message, [owner.name for owner in item.jobs]) for item in items] == [("a", ["0", "1"]), ("b", ["1"])]


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ((), "1 job checked: nothing found"),
        ((found(),), "1 job checked: 1 error"),
        ((found(), found(severity="note"), found(severity=None)), "1 job checked: 1 error, 2 notes"),
        ((found(waived="w"),), "1 job checked: nothing found; 1 waived"),
    ],
)
def test_sentence(findings, said):
    assert listing.sentence(Report(jobs=(job(findings=findings),))) == said


def test_who_a_finding_is_about():
    jobs = tuple(job(str(number), f"seed={number}", "a=1") for number in range(3))
    report, shared = Report(jobs=jobs), listing.shared_overrides(jobs)
    assert shared == {"a=1"}
    assert listing.who(jobs[:1], report, shared) == "job 0 (seed=0)"
    assert listing.who(jobs[1:], report, shared) == "job 1 (seed=1) and 1 more"
    assert listing.who(jobs, report, shared) == listing.who((), report, shared) == "all jobs"
    assert not listing.who(jobs[:1], Report(jobs=jobs[:1]))


def test_long_overrides_are_cut():
    assert listing.overrides_text(job("0", "a" * 100)) == "a" * 57 + "..."


def test_remedies_are_lines_of_what_to_type():
    remedies = (Remedy(overrides=("a=1", "b=2"), effect="both"), Remedy(effect="words\nonly"), Remedy(overrides=("c=3",)))
    assert listing.remedies(found(remedies=remedies)) == ["try: a=1 b=2  both", "or: words\\nonly", "or: c=3"]


def test_figures_mark_bounds_and_unknowns():
    account = Account(total_params=1000, training_tokens=20_000, training_flops=10**9, tokens_per_parameter=20.0)
    law = Outlook(
        law="law", params=1, params_convention="total", law_flops=1, optimal_params=1, optimal_tokens=1, tokens_per_parameter=1, multiple=0.5, tokens_for_this_model=1
    )  # fmt: skip
    bounded = listing.figures(job(account=account, outlooks={"law": law}, tokens_status="upper_bound"))
    assert list(bounded.values()) == ["1,000", "<=20.0K", "<=20", "x0.50", "<=1.00e9"]
    assert list(listing.figures(job()).values()) == ["unknown", "unknown", "-", "-", "unknown"]
    assert listing.figures(job(tokens_status="per_device", training_tokens=5))["D tokens"] == "5/device"


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("conf/a.yaml", "conf/a.yaml"),
        ("./conf//x/../a.yaml", "conf/a.yaml"),
        ("{here}/conf/a.yaml", "conf/a.yaml"),
        ("../a.yaml", ""),
        ("/etc/passwd", ""),
        (".", ""),
        ("{here}-other/a.yaml", ""),
        ("a\0b", "a\0b"),
    ],
)
def test_repo_path(file, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert listing.repo_path(file.format(here=tmp_path), str(tmp_path)) == path


def test_root_is_the_checkout_that_the_working_directory_is_in(tmp_path, monkeypatch):
    (tmp_path / "repo" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "repo")
    monkeypatch.chdir(tmp_path / "repo" / "sub")
    here, repo = str(tmp_path / "repo" / "sub"), str(tmp_path / "repo")
    assert listing.root({}) == here
    assert listing.root({"GITHUB_WORKSPACE": repo}) == repo
    assert listing.root({"CI_PROJECT_DIR": repo}) == repo
    assert listing.root({"GITHUB_WORKSPACE": str(tmp_path / "link")}) == repo
    assert listing.root({"GITHUB_WORKSPACE": here}) == here
    assert listing.root({"GITHUB_WORKSPACE": str(tmp_path / "elsewhere"), "CI_PROJECT_DIR": "relative"}) == here


def test_place_is_the_file_then_the_config_then_a_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    top, owner = str(tmp_path), job(config="conf/train.yaml")
    report = Report(jobs=(owner,))

    def place(finding, of):
        shown = listing.place_of(finding, of, report, top)
        return shown.path, shown.line

    assert place(found(origin=Origin(file="conf/a.yaml", line=3)), owner) == ("conf/a.yaml", 3)
    assert place(found(origin=Origin(file="conf/a.yaml", line=-1)), owner) == ("conf/a.yaml", None)
    assert place(found(origin=Origin(file="/etc/passwd", line=3)), owner) == ("conf/train.yaml", None)
    assert place(found(), None) == ("conf/train.yaml", None)
    assert place(found(), job()) == (listing.NO_FILE, None)
