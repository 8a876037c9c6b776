"""How N, D, C and the rest are written as the products that they are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from scalecheck import arithmetic
from scalecheck.facts import Account, Impossible, Job, ModuleCount, Origin, Reading, Run, TrainingPlan, Unknown
from scalecheck.pipeline import JobInput, check_job, locate_job
from scalecheck.policy import load_policy
from scalecheck.policy_laws import DEFAULT_LAWS

GPT2 = {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 1024, "vocab_size": 512}
RUN = {"trainer": {"max_steps": 84, "devices": 1}, "data": {"batch_size": 32, "seq_len": 1024}}
PART = re.compile(r"  \S+ +[0-9,]+ +x +[0-9,]+ += +([0-9,]+)$")


@pytest.fixture
def job_of(view_of):
    """``job_of(config, **policy)``: a job of a config whose keys all stand in conf/x.yaml:7."""

    def made(config, environ=None, **policy):
        job = check_job(JobInput(view=view_of(config), environ=environ or {}), load_policy(policy))
        return locate_job(job, lambda key: Origin(key=key, file="conf/x.yaml", line=7), origins=True)

    return made


def with_plan(plan, origins=None, **reading):
    return Job(
        name="",
        overrides=(),
        run=Run(reading=Reading(plan=plan, origins=origins or {}, **reading), account=Account()),
        findings=(),
        verdict="pass",
    )


def test_tokens_are_the_product_of_their_factors_with_their_places():
    plan = TrainingPlan(
        num_steps=84, sequences_per_step=64, micro_batch_sequences=32, num_devices=2, sequence_length=1024,
        tokens_per_step=65_536, training_tokens=5_505_024, tokens_status="exact",
    )  # fmt: skip
    origins = {
        "num_steps": Origin(key="trainer.max_steps", file="conf/x.yaml", line=7),
        "micro_batch_sequences": Origin(key="data.batch_size", file="conf/y.yaml", line=8),
        "num_devices": Origin(because="WORLD_SIZE in the environment"),
        "sequence_length": Origin(key="data.seq_len", override="data.seq_len=1024"),
    }
    (line,) = arithmetic.tokens(with_plan(plan, origins))
    assert line == (
        "D = 84 steps (trainer.max_steps, conf/x.yaml:7) x 32 sequences a device and pass (data.batch_size, conf/y.yaml:8)"
        " x 2 devices (WORLD_SIZE in the environment) x 1024 tokens (data.seq_len, override data.seq_len=1024) = 5,505,024 tokens"
    )


def test_global_batch_is_one_factor():
    plan = TrainingPlan(
        num_steps=400_000, sequences_per_step=512, micro_batch_sequences=8, num_devices=4, sequence_length=1024,
        tokens_per_step=524_288, training_tokens=209_715_200_000, tokens_status="exact",
    )  # fmt: skip
    origins = {
        "num_steps": Origin(key="trainer.max_steps", file="conf/experiment/owt.yaml", line=12),
        "sequences_per_step": Origin(key="train.global_batch_size", override="train.global_batch_size=512"),
        "sequence_length": Origin(key="datamodule.max_length", file="conf/datamodule/openwebtext.yaml", line=8),
    }
    (line,) = arithmetic.tokens(with_plan(plan, origins))
    assert line == (
        "D = 400000 steps (trainer.max_steps, conf/experiment/owt.yaml:12)"
        " x 512 sequences (train.global_batch_size, override train.global_batch_size=512)"
        " x 1024 tokens (datamodule.max_length, conf/datamodule/openwebtext.yaml:8) = 209,715,200,000 tokens"
    )


def test_tokens_that_are_told_directly_are_no_product(job_of):
    lines = list(arithmetic.tokens(job_of({"model": GPT2, **RUN}, read={"training_tokens": "3M"})))
    assert lines[0].startswith("D = 3,000,000 tokens (")
    assert "hydra.callbacks.scalecheck.read.training_tokens, conf/x.yaml:7" in lines[0]


def test_tokens_per_step_are_a_factor_where_they_are_told(job_of):
    config = {"model": GPT2, **RUN}
    (line, *_) = arithmetic.tokens(job_of(config, read={"tokens_per_step": 5000, "num_steps": "trainer.max_steps"}))
    assert " x 5000 tokens a step (" in line
    assert line.endswith("= 420,000 tokens")


def test_upper_bound_has_its_reason():
    origins = {"upper_bound": Origin(because="trainer.max_time=1h may end the run earlier"), "num_steps": Origin(key="a")}
    plan = TrainingPlan(
        num_steps=2, sequences_per_step=3, sequence_length=5, tokens_per_step=15, training_tokens=30, tokens_status="upper_bound"
    )
    assert list(arithmetic.tokens(with_plan(plan, origins))) == [
        "D = 2 steps (a) x 3 sequences x 5 tokens = at most 30 tokens",
        "  at most: trainer.max_time=1h may end the run earlier",
    ]


def test_tokens_of_one_device_say_so_and_what_to_type(job_of):
    lines = list(arithmetic.tokens(job_of({"model": GPT2, **RUN, "trainer": {"max_steps": 84}})))
    assert lines[0].endswith("= 2,752,512 tokens per device")
    assert "devices" not in lines[0]
    assert lines[1].startswith("  unknown: num_devices: ")
    assert lines[2].startswith("    type: ")
    assert lines[3].startswith("    or:   ")


def test_assumed_factor_is_marked_with_its_reason(job_of):
    lines = list(arithmetic.tokens(job_of({"model": GPT2, "trainer": RUN["trainer"], "data": {"batch_size": 32}})))
    assert "1024 tokens (assumed: the model's context, as no training length is set; model.n_positions, conf/x.yaml:7)" in lines[0]
    assert lines[0].endswith("tokens (assumed)")


def test_unknown_tokens_show_what_is_known_and_what_is_not(job_of):
    lines = list(arithmetic.tokens(job_of({"model": GPT2, "trainer": {"devices": 2}, "data": RUN["data"]})))
    assert lines[0] == "D is unknown"
    assert "  known: 1024 tokens (data.seq_len, conf/x.yaml:7)" in lines
    assert any(line.startswith("  unknown: num_steps: ") for line in lines)
    assert any(line.startswith("    type: +hydra.callbacks.scalecheck.read.num_steps=") for line in lines)
    assert not any("total_params" in line for line in lines)


def test_params_are_the_sum_of_the_ledger(job_of):
    job = job_of({"model": GPT2, **RUN})
    lines = list(arithmetic.params(job))
    assert re.match(f"N = {job.run.account.total_params:,} parameters( .assumed.)? of gpt2 .", lines[0])
    assert lines[0].endswith(", the sum of")
    summed = [int(found[1].replace(",", "")) for line in lines if (found := PART.match(line))]
    assert len(summed) > 5
    assert not any("lm_head" in line for line in lines)  # tied: it stores nothing
    assert sum(summed) == job.run.account.total_params
    assert "  num_layers = 2 (model.n_layer, conf/x.yaml:7)" in lines
    assert any(line.startswith("  intermediate_size = 256 (") for line in lines)


def test_experts_show_how_many_are_used(job_of):
    mixtral = {
        "model_type": "mixtral", "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 2,
        "num_key_value_heads": 2, "vocab_size": 512, "num_local_experts": 8, "num_experts_per_tok": 2,
    }  # fmt: skip
    job = job_of({"model": mixtral, **RUN})
    text = " ".join(" ".join(arithmetic.params(job)).split())
    assert "16 (4 used) x" in text
    assert f"of which one token meets {job.run.account.active_params:,}" in text
    (ratio,) = arithmetic.ratio(job)
    assert "per active parameter" in ratio


def test_params_that_are_declared_or_counted_on_a_module_are_no_sum(job_of):
    lines = list(arithmetic.params(job_of({"model": GPT2, **RUN}, read={"total_params": 1000})))
    assert lines[0].startswith("N = 1,000 parameters, as declared (hydra.callbacks.scalecheck.read.total_params, conf/x.yaml:7)")
    assert not any(PART.match(line) for line in lines)
    job = job_of({"model": GPT2, **RUN})
    module = ModuleCount(target="my.Model", total_params=7, trainable_params=7)
    counted = replace(job, run=Run(reading=replace(job.run.reading, module=module), account=Account(total_params=7, formula_params=9)))
    assert next(arithmetic.params(counted)) == "N = 7 parameters, counted on the module that my.Model builds"


def test_unknown_vocabulary_leaves_the_rest(job_of):
    small = {name: value for name, value in GPT2.items() if name != "vocab_size"}
    job = job_of({"model": small, **RUN})
    lines = list(arithmetic.params(job))
    assert lines[0].startswith(f"N is unknown; without embeddings it is {job.run.account.non_embedding_params:,} parameters of gpt2")
    assert any(line.startswith("  unknown: vocab_size: ") for line in lines)
    assert any("x unknown = unknown" in " ".join(line.split()) for line in lines)
    (ratio,) = arithmetic.ratio(job)
    assert ratio == "D/N is unknown: N is not known"


def test_flops_name_their_convention(job_of):
    job = job_of({"model": GPT2, **RUN})
    line, convention = arithmetic.flops(job)
    account = job.run.account
    per_sequence, total = f"{account.training_flops_per_sequence:,}", f"{account.training_flops:,}"
    assert line.startswith(
        f"C = {per_sequence} FLOPs per sequence (forward + backward, full attention) x 2,752,512 / 1,024 tokens = {total} FLOPs"
    )
    assert convention.endswith("full attention: every pair of tokens, T x T")


def test_flops_by_6nd_say_why(job_of):
    job = job_of(RUN, read={"total_params": 1000})
    line, because = arithmetic.flops(job)
    assert line.startswith("C = 6 x 1,000 parameters x 2,752,512 tokens = 16,515,072,000 FLOPs")
    assert because == "  6ND: the model's shape is unknown, so attention is not counted"


def test_unknown_flops_and_ratio(job_of):
    job = job_of({"name": "x"})
    assert list(arithmetic.flops(job)) == ["C is unknown: the training tokens are unknown"]
    assert list(arithmetic.ratio(job)) == ["D/N is unknown: N and D are not known"]
    device = job_of({"model": GPT2, **RUN, "trainer": {"max_steps": 84}})
    assert list(arithmetic.ratio(device)) == ["D/N is unknown: D of all devices together is not known"]


def test_each_law_is_one_line_and_the_judge_is_named(job_of):
    lines = list(arithmetic.laws(job_of({"model": GPT2, **RUN})))
    assert len(lines) == len(DEFAULT_LAWS)
    assert lines[0].startswith("hoffmann2022_a1 (judges): at 6ND = ")
    assert lines[1].startswith("besiroglu2024: at 6ND = ")
    assert "% of its compute" in lines[1]


def test_law_on_a_bound_is_a_bound(job_of):
    lines = list(arithmetic.laws(job_of({"model": GPT2, **RUN, "trainer": {**RUN["trainer"], "max_time": "00:01:00:00"}})))
    assert all("; the run has at most x" in line and "6ND = at most" in line for line in lines)
    assert not any("of its compute" in line for line in lines)


def test_no_law_has_its_reason(job_of):
    job = job_of({"model": GPT2, **RUN}, intent="finetune")
    assert list(arithmetic.laws(job)) == ["no scaling law is asked: hydra.callbacks.scalecheck.intent=finetune"]
    assert list(arithmetic.intent(job)) == ["intent = finetune: hydra.callbacks.scalecheck.intent=finetune"]
    assert list(arithmetic.laws(with_plan(TrainingPlan()))) == ["no scaling law is asked: N or D of the whole job is not known"]


def test_chain_stands_below_the_block():
    chain = ("datamodule.max_length conf/experiment/owt.yaml:12",)
    origins = {"sequence_length": Origin(key="model.n_positions", file="conf/model/gpt2.yaml", line=3, chain=chain)}
    plan = TrainingPlan(num_steps=2, sequences_per_step=3, sequence_length=5, tokens_per_step=15, training_tokens=30, tokens_status="exact")
    lines = list(arithmetic.tokens(with_plan(plan, origins)))
    assert lines[1:] == ["  model.n_positions <- datamodule.max_length conf/experiment/owt.yaml:12"]


def test_impossible_values_are_told_before_unknown_ones():
    job = with_plan(
        TrainingPlan(),
        unknowns=(Unknown(field="num_steps", reason="r1"), Unknown(field="family", reason="r2")),
        impossible=(Impossible(field="sequence_length", reason="r3"),),
    )
    assert list(arithmetic.tokens(job)) == ["D is unknown", "  impossible: sequence_length: r3", "  unknown: num_steps: r1"]
    assert list(arithmetic.params(job)) == ["N is unknown", "  unknown: family: r2"]


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin(), ""),
        (Origin(key="a.b"), "a.b"),
        (Origin(key="a.b", because="a.b"), "a.b"),
        (Origin(because="4 x 3"), "4 x 3"),
        (Origin(key="a.b", file="x.yaml", line=3), "a.b, x.yaml:3"),
        (Origin(key="a.b", file="structured://x"), "a.b, structured://x"),
        (Origin(key="a.b", override="a.b=3"), "a.b, override a.b=3"),
        (Origin(key="a.b", file="x.yaml", line=3, because="2 x 3"), "2 x 3; a.b, x.yaml:3"),
        (Origin(assumed=True, because="not set"), "assumed: not set"),
    ],
)
def test_source_of_a_value(origin, text):
    assert arithmetic.source(origin) == text


def test_texts_of_a_config_cannot_forge_lines():
    evil = "a\nb\x1b[31m"
    origins = {"num_steps": Origin(key=evil, file=evil, line=1, chain=(evil,)), "upper_bound": Origin(because=evil)}
    plan = TrainingPlan(
        num_steps=2, sequences_per_step=3, sequence_length=5, tokens_per_step=15, training_tokens=30, tokens_status="upper_bound"
    )
    unknown = Unknown(field=evil, reason=evil, remedies=(evil,))
    job = with_plan(replace(plan, intent=evil, intent_reason=evil), origins, unknowns=(unknown,))
    blocks = (arithmetic.params, arithmetic.tokens, arithmetic.flops, arithmetic.laws, arithmetic.intent)
    lines = [line for block in blocks for line in block(job)]
    assert any("\\n" in line for line in lines)
    assert not any("\n" in line or "\x1b" in line for line in lines)
