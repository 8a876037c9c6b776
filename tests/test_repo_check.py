"""Checking a repo: what is asked for, several checks in one report, and sweeps that are judged each by its own policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalecheck import repo_check
from scalecheck.commands import check
from scalecheck.enforce import fails
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Report
from scalecheck.outputs import SUMMARY_PATH, Output

TABLE = """
config_name = "train"
[[check]]
name = "sizes"
matrix = { model = ["small", "large"] }
[[check]]
name = "short"
overrides = ["trainer.max_steps=5"]
"""
BUDGET = "rules: {over_budget: {sweep: {max_training_flops: 1e10}}}\n"


@pytest.fixture
def ask(app, monkeypatch):
    monkeypatch.chdir(app.root)

    def asked(*arguments: str) -> repo_check.Asked:
        return repo_check.asked(check.parser().parse_intermixed_args(arguments))

    return asked


@pytest.fixture
def report(ask):
    def made(*arguments: str) -> Report:
        return repo_check.report_of_repo(ask(*arguments))

    return made


def test_without_a_table_what_was_typed_is_the_only_check(ask):
    asked = ask("--config-name", "train", "seed=2")
    assert [(entry.name, entry.config_dir, entry.config_name, entry.overrides) for entry in asked.checks] == [
        ("", "conf", "train", ("seed=2",))
    ]
    assert (asked.jobs, asked.fail_level, asked.output) == (1, "error", ())


def test_table_is_asked_where_no_config_was_named(app, ask):
    app.write({"scalecheck.toml": 'fail_level = "warning"\njobs = 3\noutput = ["json:a.json"]\n' + TABLE})
    asked = ask()
    assert [entry.name for entry in asked.checks] == ["sizes", "short"]
    assert (asked.jobs, asked.fail_level, asked.output, asked.is_whole) == (3, "warning", ("json:a.json",), True)
    typed = ask("--jobs", "2", "--fail-level", "note", "--policy", "strict", "--version-base", "1.2")
    assert (typed.jobs, typed.fail_level) == (2, "note")
    assert {(entry.policy, entry.version_base) for entry in typed.checks} == {("strict", "1.2")}
    named = ask("--config-dir", "conf")
    assert (named.jobs, [entry.name for entry in named.checks]) == (1, [""])


def test_typed_overrides_go_over_what_the_table_lists(app, ask):
    app.write({"scalecheck.toml": TABLE})
    asked = ask("model=large")
    assert [(entry.name, entry.config_name, entry.overrides) for entry in asked.checks] == [("", "train", ("model=large",))]
    assert not asked.is_whole


def test_one_check_of_the_table(app, ask):
    app.write({"scalecheck.toml": TABLE})
    asked = ask("--only", "short", "seed=3")
    assert [(entry.name, entry.overrides) for entry in asked.checks] == [("short", ("trainer.max_steps=5", "seed=3"))]
    assert not asked.is_whole
    with pytest.raises(ScalecheckError, match="Did you mean 'short'"):
        ask("--only", "shrt")


def test_only_without_a_table_is_refused(ask):
    with pytest.raises(ScalecheckError, match="there is no table here"):
        ask("--only", "short")


def test_jobs_are_named_after_their_check(app, report):
    app.write({"scalecheck.toml": TABLE})
    made = report()
    assert [job.name for job in made.jobs] == ["sizes/0", "sizes/1", "short"]
    assert {job.config for job in made.jobs} == {"conf/train.yaml"}
    assert [job.overrides for job in made.jobs] == [("model=small",), ("model=large",), ("trainer.max_steps=5",)]
    assert [job.name for job in report("--only", "sizes").jobs] == ["sizes/0", "sizes/1"]


def test_only_check_of_a_table_needs_no_name(app, report):
    app.write({"scalecheck.toml": TABLE.split('[[check]]\nname = "short"', maxsplit=1)[0]})
    assert [job.name for job in report().jobs] == ["0", "1"]


def test_config_is_told_from_the_working_directory(app, report, monkeypatch):
    app.write({"scalecheck.toml": TABLE, "src/deep/x.py": ""})
    monkeypatch.chdir(app.root / "src" / "deep")
    made = report()
    assert {job.config for job in made.jobs} == {"../../conf/train.yaml"}


def test_each_sweep_is_judged_under_its_own_policy(app, report):
    two = 'config_name = "train"\n[[check]]\nname = "{0}"\noverrides = ["seed=1,2"]\npolicy = "tight.yaml"\n[[check]]\nname = "{1}"\noverrides = ["seed=3,4"]\n'
    app.write({"tight.yaml": BUDGET, "scalecheck.toml": two.format("tight", "free")})
    made = report()
    assert [finding.message.split(":")[0] for finding in made.findings] == ["tight"]
    assert [finding.subject for finding in made.findings] == ["tight/sweep.max_training_flops"]
    app.write({"scalecheck.toml": two.format("tight", "free") + 'policy = "tight.yaml"\n'})
    assert [finding.message.split(":")[0] for finding in report().findings] == ["tight", "free"]


@pytest.mark.parametrize(
    "overrides", [("seed=1,2",), ("trainer.max_steps=range(1,3)",), ("model=glob(*)",), ("model=choice(small,large)",), ("+x=sort(3,1)",)]
)
def test_sweep_needs_no_flag(report, overrides):
    assert len(report("--config-name", "train", *overrides).jobs) == 2


def test_list_and_quoted_comma_are_no_sweep(report):
    assert len(report("--config-name", "train", "+x=[1,2]", "+y='a,b'").jobs) == 1


@pytest.mark.parametrize("jobs", ["1", pytest.param("2", marks=pytest.mark.extended)])
def test_check_without_jobs_is_refused(app, report, jobs):
    app.write({"scalecheck.toml": TABLE + '[[check]]\nname = "none"\noverrides = ["model=glob(zzz*)"]\n'})
    with pytest.raises(ScalecheckError, match="no config was checked: the sweep of the check 'none' has no jobs"):
        report("--jobs", jobs)


def test_broken_job_is_named_with_its_overrides(app, report):
    app.write({"scalecheck.toml": TABLE, "conf/model/large.yaml": "{n_layer: 2, ${: 3"})
    with pytest.raises(ScalecheckError, match=r"job sizes/1: the job model=large does not compose"):
        report()


def test_job_whose_policy_is_broken_is_named_with_its_overrides(app, report):
    mode = "# @package _global_\nhydra: {callbacks: {scalecheck: {mode: %s}}}\n"
    app.write({"conf/strictness/good.yaml": mode % "warn", "conf/strictness/bad.yaml": mode % "wrn"})
    with pytest.raises(ScalecheckError, match=r"^job 1 \(\+strictness=bad\): .*mode.* Did you mean 'warn'"):
        report("--config-name", "train", "+strictness=good,bad")


def test_waiver_that_is_about_nothing_anywhere_is_a_note(app, report):
    waiver = "waivers: [{rule: undertrained, jobs: '%s', reason: smoke-scale}]\n"
    app.write({"ours.yaml": waiver % "trainer.max_steps=5", "scalecheck.toml": 'policy = "ours.yaml"\n' + TABLE})
    made = report()
    assert not made.findings, "it is needed by one of the two checks"
    assert made.jobs[2].findings[0].waived
    app.write({"ours.yaml": waiver % "trainer.max_steps=6"})
    assert [(finding.rule, finding.severity) for finding in report().findings] == [("unmatched_waiver", "note")]
    assert not report("--only", "sizes").findings, "the others were not looked at"


def test_outputs_of_the_table_are_told_from_its_file(app, ask, monkeypatch):
    app.write({"scalecheck.toml": 'output = ["terminal", "sarif:out/a.sarif", "json:/abs/a.json", "markdown:github-summary"]\n' + TABLE})
    assert repo_check.outputs_of(ask())[1] == Output(form="sarif", path=Path("out/a.sarif"))
    (app.root / "deep").mkdir()
    monkeypatch.chdir(app.root / "deep")
    assert repo_check.outputs_of(ask()) == [
        Output(form="terminal"),
        Output(form="sarif", path=Path("../out/a.sarif")),
        Output(form="json", path=Path("/abs/a.json")),
        Output(form="markdown", path=SUMMARY_PATH),
    ]


@pytest.mark.parametrize(
    "line",
    ['config_dir = "../elsewhere"', 'config_dir = "/etc"', 'policy = "/etc/p.yaml"', 'baseline = "../b.json"', 'output = ["json:/tmp/x"]'],
)
def test_untrusted_table_names_nothing_outside_of_the_repo(app, ask, line):
    app.write({"scalecheck.toml": f"{line}\n" + TABLE})
    assert ask().checks
    with pytest.raises(ScalecheckError, match="which is outside of"):
        ask("--untrusted")


def test_untrusted_table_follows_no_link_out_of_the_repo(app, ask, tmp_path_factory):
    (app.root / "linked").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    app.write({"scalecheck.toml": 'config_dir = "linked"\n' + TABLE})
    with pytest.raises(ScalecheckError, match="which is outside of"):
        ask("--untrusted")


@pytest.mark.parametrize(("level", "is_failing"), [("note", True), ("warning", True), ("error", False)])
def test_report_fails_from_its_level_on(report, level, is_failing):
    assert fails(report("--config-name", "train", "trainer.max_steps=5"), level) is is_failing


def test_variable_of_the_environment_is_not_told(report, monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cr3t-value")
    monkeypatch.setenv("WORDS", "s3cr3t-steps")
    for jobs in ("1", "2"):
        made = report("--config-name", "train", "trainer.max_steps=${oc.env:WORDS}", "+name=${oc.env:TOKEN}", "seed=1,2", "--jobs", jobs)
        assert "s3cr3t" not in repr(made)


def test_own_laws_of_every_check_stand_in_the_one_report(app, report):
    law = "name: {0}\nparams_convention: total\nE: 1.7\nA: 400.0\nB: 1800.0\nalpha: 0.35\nbeta: 0.36\n"
    for name in ("one", "two"):
        app.write({f"{name}.yaml": law.format(name), f"of_{name}.yaml": f"laws: [{name}.yaml]\n"})
    checks = "".join(f'[[check]]\nname = "{name}"\npolicy = "of_{name}.yaml"\n' for name in ("one", "two"))
    app.write({"scalecheck.toml": 'config_name = "train"\n' + checks})
    assert sorted(report().own_laws) == ["one", "two"]
