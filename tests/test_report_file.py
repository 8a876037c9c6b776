"""A JSON report back into values: what is rendered from them is the same, and what is no report is one sentence."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalecheck import registry
from scalecheck.errors import ScalecheckError
from scalecheck.facts import (
    Account,
    Finding,
    Impossible,
    Job,
    ModelShape,
    ModuleCount,
    Origin,
    Outlook,
    Part,
    Reading,
    Remedy,
    Report,
    Run,
    TrainingPlan,
    Unknown,
)
from scalecheck.fingerprints import fingerprinted
from scalecheck.formats.json import lines, render
from scalecheck.pipeline import JobInput, check_job, locate_job, summarise
from scalecheck.policy import load_policy
from scalecheck.report_file import read_report, report_of

DRAWN = ("html", "svg", "png")
WRITTEN = [name for name in registry.names("formats") if name not in DRAWN]
"""A picture takes a second, so those formats are compared in a test of their own."""
MINE = """
name: mine
form: loss_surface
params_convention: total
data: our runs
fitted_range: {params: [1e7, 1e9]}
E: 1.7
A: 400.0
B: 1800.0
alpha: 0.35
beta: 0.36
"""
GPT2 = {"n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}
FOUND = Finding(
    rule="over_budget", message="m", severity="error", subject="training_flops", waived="known",
    remedies=(Remedy(effect="words"), Remedy(overrides=("a=1", "b=2"), effect="typed"), Remedy(overrides=("c=3",))),
    origin=Origin(key="k", file="f", line=1, override="k=1", chain=("x", "y")),
)  # fmt: skip
LAW = Outlook(
    law="l", params=1.5, params_convention="total", law_flops=2.5, optimal_params=3.5, optimal_tokens=4.5, tokens_per_parameter=5.5,
    multiple=float("inf"), tokens_for_this_model=6.5, interval=(1.0, float("inf")), wasted_compute=0.5, extrapolated=2.0,
)  # fmt: skip


@cache
def reports(view_of):
    """Reports that between them have every key of the contract filled in."""
    return tuple(_made(view_of))


def _made(view_of):
    hardware = {
        "accelerator": "h100-sxm",
        "mfu": 0.4,
        "num_devices": 8,
        "price_usd_per_gpu_hour": 2,
        "price_date": "2026-01-01",
        "pue": 1.2,
    }
    policies = [
        None, {"mode": "stop", "on_reject": "drop", "rules": {"undertrained": {"severity": "error"}}}, {"hardware": hardware}, {"hardware": {"accelerator": "a100-sxm"}},
        {"intent": "finetune"},
    ]  # fmt: skip
    configs = [
        {"model": GPT2, "trainer": {"max_steps": 356, "devices": 1}, "data": {"batch_size": 512, "seq_len": 1024}},
        {
            "model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 64},
            "trainer": {"max_steps": 3},
            "data": {"batch_size": 2, "seq_len": 8},
        },
        {"name": "x"},
    ]
    for given_policy in policies:
        policy = load_policy(given_policy)
        jobs = [
            check_job(JobInput(view=view_of(config), name=str(n), overrides=(f"a={n}",), environ={}), policy)
            for n, config in enumerate(configs)
        ]
        located = [locate_job(job, lambda key: Origin(key=key, file="conf/a.yaml", line=3), origins=True) for job in jobs]
        yield from (summarise(located, policy), summarise(located[:1], policy))  # one job alone is told in more words
    plan = TrainingPlan(
        training_tokens=7,
        tokens_status="per_device",
        num_steps=1,
        epochs=2.5,
        unique_tokens=9,
        time_limit_hours=1.5,
        intent="rl",
        intent_reason="why",
    )
    module = ModuleCount(
        target="t",
        total_params=1,
        trainable_params=2,
        params_by_module=(("a", 1),),
        sequence_length=None,
        forward_flops_per_sequence=3,
        flops_because="b",
    )
    unknown = Unknown(field="f", reason="r", key="k", remedies=("a", "b"))
    reading = Reading(plan=plan, module=module, unknowns=(unknown,), origins={"n": Origin(assumed=True, because="b")}, model_dialect="gpt2")
    account = Account(training_flops=10**60, tokens_per_parameter=float("nan"), attention="causal", training_flops_because="b")
    run = Run(reading=reading, account=account, outlooks={"l": LAW}, judge="l")
    yield Report(
        jobs=(Job(name="n", overrides=(), run=run, findings=(FOUND,), verdict="warn", config="conf/train.yaml"),), findings=(FOUND,)
    )


def test_round_trip(view_of, tmp_path):
    for report in reports(view_of):
        path = tmp_path / "report.json"
        path.write_text(render(report))
        assert render(read_report(path)) == render(report)


def test_every_format_renders_from_it(view_of):
    for report in reports(view_of):
        back = report_of(json.loads(render(report)))
        for name in WRITTEN:
            shown = registry.load("formats", name).render(back)
            assert shown
            if "inf" not in (str(outlook.multiple) for job in report.jobs for outlook in job.run.outlooks.values()):
                assert shown == registry.load("formats", name).render(report), name


@pytest.fixture
def report_with_own_law(view_of, tmp_path):
    """Two jobs, with their ledgers, of a policy whose law stands in a file."""
    (tmp_path / "mine.yaml").write_text(MINE)
    policy = load_policy({"law": "mine.yaml", "laws": ["besiroglu2024"]}, tmp_path)
    configs = [
        {"model": GPT2, "trainer": {"max_steps": 356 * times, "devices": 1}, "data": {"batch_size": 512, "seq_len": 1024}}
        for times in (1, 9)
    ]
    jobs = [check_job(JobInput(view=view_of(config), name=str(number), environ={}), policy) for number, config in enumerate(configs)]
    return summarise(jobs, policy)


def test_pictures_are_those_of_the_report(report_with_own_law):
    back = report_of(json.loads(render(report_with_own_law)))
    for name in ("html", "svg"):
        drawn = registry.load("formats", name).render
        assert drawn(back) == drawn(report_with_own_law)


def test_ledger_and_what_a_sequence_costs_are_kept(report_with_own_law):
    account = report_with_own_law.jobs[0].run.account
    assert len(account.parts) > 10
    back = report_of(json.loads(render(report_with_own_law))).jobs[0].run
    assert back.account == account
    assert back.reading == report_with_own_law.jobs[0].run.reading


def test_family_of_a_newer_scalecheck_is_its_name_alone(report_with_own_law):
    data = json.loads(render(report_with_own_law))
    data["jobs"][0]["family"] = "gpt2042"
    assert report_of(data).jobs[0].run.reading.shape == ModelShape(family="gpt2042", num_layers=0, hidden_size=0, vocab_size=None)


@pytest.mark.parametrize("name", registry.names("architectures"))
def test_every_kind_of_size_can_be_read(name):
    kind = registry.load("architectures", name).Shape
    values = {"int": 3, "int | None": None, "bool": True, "str": "s", "Head": "masked_lm", "tuple[str, ...]": ("a", "b")}
    shape = kind(**{field.name: values[field.type] for field in fields(kind)} | {"family": name})
    run = Run(reading=Reading(shape=shape, unused_keys=("a",), impossible=(Impossible(field="f", reason="r"),)), account=Account())
    report = Report(jobs=(Job(name="0", overrides=(), run=run, findings=(), verdict="pass"),))
    assert report_of(json.loads(render(report))).jobs[0].run.reading == run.reading


@pytest.mark.parametrize(
    "part",
    [
        Part(name="experts", kind="matmul", params=7, copies=64, active_copies=8, forward_flops=14),
        Part(name="pixels", kind="matmul", params=7, forward_flops=14, backward_flops=14),
        Part(name="shared", kind="matmul", params=7, copies=1, active_copies=12, forward_flops=14, frozen=True),
        Part(name="table", kind="input_embedding", params=None, forward_flops=None),
    ],
    ids=lambda part: part.name,
)
def test_part_is_kept(part):
    run = Run(reading=Reading(), account=Account(parts=(part,), sequence_length=9, source_length=8, flops_note="n", formula_params=3))
    report = Report(jobs=(Job(name="0", overrides=(), run=run, findings=(), verdict="pass"),))
    (job,) = report_of(json.loads(render(report))).jobs
    assert job.run.account == run.account


def test_laws_of_the_users_own_are_kept(report_with_own_law, tmp_path):
    told = json.loads(render(report_with_own_law))["own_laws"]
    assert (told["mine"]["alpha"], told["mine"]["file"]) == (0.35, str(tmp_path / "mine.yaml"))
    assert report_of({"schema_version": 1, "jobs": [], "own_laws": told}).own_laws == report_with_own_law.own_laws


def test_law_that_is_none_is_one_sentence(report_with_own_law):
    data = json.loads(render(report_with_own_law))
    data["own_laws"]["mine"]["alpha"] = -1
    with pytest.raises(ScalecheckError, match=r"own_laws\.mine: the coefficient alpha is -1; it needs a finite number above 0"):
        report_of(data)


def test_lines_are_the_same_report(view_of, report_with_own_law):
    for report in (*reports(view_of), report_with_own_law, Report(jobs=()), replace(report_with_own_law, mode='"jobs": []')):
        text = "".join(lines(report))
        assert text.isascii()
        assert len(text.splitlines()) == len(report.jobs) + 2
        assert render(report_of(json.loads(text, parse_constant=lambda _: None))) == render(report)


def test_fingerprints_are_those_of_the_report(view_of):
    for report in reports(view_of):
        back = report_of(json.loads(render(report)))
        assert [fingerprint for fingerprint, _, _ in fingerprinted(back)] == [fingerprint for fingerprint, _, _ in fingerprinted(report)]


def test_report_of_an_older_scalecheck_lacks_keys_that_were_added():
    data = {"schema_version": 1, "jobs": [{"name": "0", "overrides": ["a=1"], "verdict": "pass"}]}
    report = report_of(data)
    assert (report.verdict, report.jobs[0].overrides, report.jobs[0].config) == ("pass", ("a=1",), "")
    assert report_of({**data, "added_later": 1}) == report


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is not JSON, or not all of it"),
        ('{"schema_version": 1, "jobs": [', "it is not JSON, or not all of it"),
        ('{"schema_version": 1, "jobs": [], "x": NaN}', "NaN is no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "it is not JSON, or not all of it"),
        ("[]", "it is not a report of scalecheck: it has no schema_version and jobs"),
        ('"x"', "it is not a report of scalecheck"),
        ("{}", "it is not a report of scalecheck"),
        ('{"schema_version": 1, "parts": []}', "it has no schema_version and jobs"),
        (
            '{"schema_version": 2, "scalecheck_version": "9.9", "jobs": []}',
            "it has schema_version 2, of scalecheck 9.9; this scalecheck reads up to 1: install a newer one",
        ),
        ('{"schema_version": "1", "jobs": []}', "schema_version is '1', not 1"),
        ('{"schema_version": true, "jobs": []}', "schema_version is True, not 1"),
        ('{"schema_version": 0, "jobs": []}', "schema_version is 0, not 1"),
        ('{"schema_version": 1, "jobs": {}}', "jobs is {}, not a list"),
        ('{"schema_version": 1, "jobs": [3]}', "jobs[0] is 3, not an object"),
        ('{"schema_version": 1, "jobs": [], "verdict": "fine"}', "verdict is 'fine', not one of pass, warn, stop, silent"),
    ],
)
def test_what_is_no_report_is_one_sentence(text, said, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(ScalecheckError) as raised:
        read_report(path)
    assert said in str(raised.value)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_missing_file_and_other_bytes_are_one_sentence(tmp_path):
    with pytest.raises(ScalecheckError, match="cannot be read: No such file"):
        read_report(tmp_path / "none.json")
    with pytest.raises(ScalecheckError, match="cannot be read: Is a directory"):
        read_report(tmp_path)
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ScalecheckError, match="it is not JSON"):
        read_report(tmp_path / "x.json")


def test_utf_16_as_some_shells_write_it_is_read(tmp_path):
    (tmp_path / "x.json").write_bytes('{"schema_version": 1, "jobs": []}'.encode("utf-16"))
    assert read_report(tmp_path / "x.json") == Report(jobs=())


def paths_of(value, path=()):
    """Yield the path of every value below."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from paths_of(item, (*path, key))


def alike(paths):
    """Return one path of those that differ in the number of an item or the name of a law or a field only."""
    kept = {}
    for path in paths:
        steps = [step if isinstance(step, str) else 0 for step in path]
        for number, step in enumerate(steps[:-1]):
            if step in ("origins", "outlooks", "params_by_module"):
                steps[number + 1] = 0
        kept.setdefault(tuple(steps), path)
    return kept.values()


WRONG = ["x", -1, {}, *(pytest.param(value, marks=pytest.mark.extended) for value in (3, 2.5, 1e400, True, [], [3], {"a": 3}, None))]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_any_value_that_is_wrong_is_one_sentence_or_rendered(wrong, view_of):
    every = reports(view_of)
    for report in (every[-1], every[5]):
        text = render(report)
        for path in alike(paths_of(json.loads(text))):
            data = json.loads(text)
            node = data
            for step in path[:-1]:
                node = node[step]
            node[path[-1]] = wrong
            try:
                back = report_of(data)
            except ScalecheckError as error:
                assert "\n" not in str(error)
                continue
            for name in WRITTEN:
                registry.load("formats", name).render(back)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_is_a_report_or_one_sentence(value):
    for data in (value, {"schema_version": 1, "jobs": value}, {"schema_version": 1, "jobs": [value]}):
        try:
            assert isinstance(report_of(data), Report)
        except ScalecheckError as error:
            assert "\n" not in str(error)


def test_lone_surrogates_survive():
    report = Report(jobs=(), findings=(replace(FOUND, message="\ud800"),))
    assert report_of(json.loads(render(report))).findings[0].message == "\ud800"
