"""A fingerprint stands for a finding's rule, job and subject, and for nothing that an edit of a value changes."""

from dataclasses import replace

from scalecheck.facts import Account, Finding, Job, Origin, Reading, Report, Run
from scalecheck.fingerprints import fingerprinted

RUN = Run(reading=Reading(), account=Account())


def finding(**changes):
    return replace(Finding(rule="over_budget", message="1.3e21 FLOPs", severity="error", origin=Origin(key="trainer.max_steps")), **changes)


def job(*findings, **changes):
    made = Job(name="0", config="conf/train.yaml", overrides=("model=large", "seed=1"), run=RUN, findings=findings, verdict="stop")
    return replace(made, **changes)


def prints(*jobs, findings=()):
    return [text for text, _, _ in fingerprinted(Report(jobs=jobs, findings=findings))]


def test_values_lines_severity_and_job_number_do_not_matter():
    moved = finding(
        message="9e22 FLOPs", severity="warning", origin=Origin(key="trainer.max_steps", file="conf/a.yaml", line=7), waived="x"
    )
    assert prints(job(finding())) == prints(job(moved, name="17", verdict="warn"))


def test_the_order_in_which_overrides_were_typed_does_not_matter():
    assert prints(job(finding())) == prints(job(finding(), overrides=("seed=1", "model=large")))


def test_rule_config_overrides_key_and_subject_matter():
    one = job(finding())
    others = [
        job(finding(rule="undertrained")), job(finding(), config="conf/other.yaml"), job(finding(), overrides=("model=large",)),
        job(finding(origin=Origin(key="trainer.max_tokens"))), job(finding(subject="max_gpu_hours")),
    ]  # fmt: skip
    found = [prints(each)[0] for each in (one, *others)]
    assert len(set(found)) == len(found)


def test_findings_that_are_alike_are_told_apart_and_keep_their_order():
    twice = prints(job(finding(), finding(message="another")))
    assert len(set(twice)) == 2
    assert prints(job(finding()))[0] == twice[0]


def test_a_finding_of_the_sweep_is_not_one_of_a_job():
    assert prints(job(finding()))[0] != prints(job(), findings=(finding(),))[0]


def test_text_that_is_no_unicode_has_a_fingerprint():
    assert len(prints(job(finding(), overrides=("name=\ud800",)))[0]) == 32
