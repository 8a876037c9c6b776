"""The line from a config to a verdict, where the kind of model decides what is asked of it."""

from __future__ import annotations

import pytest

from scalecheck.formats.terminal import render
from scalecheck.pipeline import JobInput, check_job, laws_of, summarise
from scalecheck.policy import load_policy

MIXTRAL = {
    "model_type": "mixtral", "num_hidden_layers": 4, "hidden_size": 256, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 512, "vocab_size": 1000, "num_local_experts": 64, "num_experts_per_tok": 2,
}  # fmt: skip
BERT = {"_target_": "transformers.BertForMaskedLM", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 2, "vocab_size": 500}


@pytest.fixture
def check(view_of):
    """``check(model, policy)`` is one job through the whole line."""

    def checked(model, policy=None, tokens=10**8):
        config = {"model": model, "data": {"tokens": tokens, "seq_len": 128}}
        asked = {"read": {"training_tokens": "data.tokens", "sequence_length": "data.seq_len"}} | (policy or {})
        return check_job(JobInput(view=view_of(config), environ={}), load_policy(asked))

    return checked


def test_laws_get_what_a_token_meets_of_a_mixture(check):
    job = check(MIXTRAL)
    account, outlook = job.run.account, job.run.outlooks["hoffmann2022_a1"]
    assert account.active_params < account.total_params / 10
    assert (outlook.params, outlook.params_convention) == (account.active_params, "active total")


def test_tokens_are_per_active_parameter_where_experts_are_idle(check):
    job = check(MIXTRAL, tokens=10**6)
    text = render(summarise([job], load_policy(None)))
    ratio = 10**6 / job.run.account.active_params
    assert f"{ratio:.2f} per active parameter" in text
    assert f"{ratio:.2f} tokens per active parameter; compute-optimal" in text
    assert "active)" in text


@pytest.mark.parametrize("intent", ["auto", "pretrain"])
def test_no_law_is_asked_about_a_masked_model(check, intent):
    job = check(BERT, {"intent": intent})
    assert (job.run.outlooks, job.verdict) == ({}, "silent")
    assert job.run.account.training_flops is not None
    assert "the laws are about causal language models, and bert is trained as masked_lm" in render(summarise([job], load_policy(None)))


def test_budgets_of_a_masked_model_are_checked(check):
    job = check(BERT, {"rules": {"over_budget": {"max_training_flops": 1e12}}})
    assert [finding.rule for finding in job.findings if finding.severity == "error"] == ["over_budget"]


def test_the_policy_chooses_the_attention_convention(check):
    flops = [check(MIXTRAL, {"attention": attention}).run.account.training_flops for attention in ("full", "causal")]
    assert flops[1] < flops[0]
    assert check(MIXTRAL, {"attention": "causal"}).run.account.attention == "causal"


LAW = "name: mine\nparams_convention: total\nE: 1.7\nA: 400.0\nB: 1800.0\nalpha: 0.35\nbeta: 0.36\n"


def test_report_knows_the_users_own_laws_of_every_job(view_of, tmp_path):
    """A swept policy may name a law that the sweep's own does not."""
    (tmp_path / "mine.yaml").write_text(LAW)
    policy = load_policy({"laws": ["mine.yaml"]}, tmp_path)
    job = check_job(JobInput(view=view_of({}), environ={}), policy)
    assert summarise([job], load_policy(None)).own_laws == policy.own_laws
    assert summarise([], policy).own_laws == policy.own_laws
    assert summarise([check_job(JobInput(view=view_of({}), environ={}), load_policy(None))], load_policy(None)).own_laws == {}


def test_one_name_for_two_laws_tells_neither(tmp_path):
    for name, text in {"a": LAW, "b": LAW.replace("1.7", "1.8"), "c": LAW.replace("mine", "other")}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    one, two, other = (load_policy({"laws": [f"{name}.yaml"]}, tmp_path).own_laws for name in "abc")
    assert laws_of([one, one, other]) == one | other
    assert laws_of([one, two, other, one]) == dict(other)
