from dataclasses import replace
from typing import Any

import pytest

from scalecheck.account import count, totals
from scalecheck.architectures import gpt2, llama
from scalecheck.config_file import read_config
from scalecheck.errors import PolicyError
from scalecheck.facts import ModelShape, ModuleCount, Origin, Part, Reading, TrainingPlan
from scalecheck.parts import matmul, repeat

GPT2 = gpt2.Shape(num_layers=12, hidden_size=768, vocab_size=50257, num_attention_heads=12, intermediate_size=3072, max_positions=1024)
GPT2_UNKNOWN_VOCABULARY = gpt2.Shape(
    num_layers=12, hidden_size=768, vocab_size=None, num_attention_heads=12, intermediate_size=3072, max_positions=1024
)
LLAMA_405B = llama.Shape(
    num_layers=126,
    hidden_size=16384,
    vocab_size=128256,
    num_attention_heads=128,
    num_key_value_heads=8,
    head_dim=128,
    intermediate_size=53248,
)
GPT2_PARAMS = 124_439_808
GPT2_FORWARD = 291_648_307_200  # per sequence of 1024; counted by torch, see tests/oracle


def reading(shape: ModelShape | None = GPT2, **changes: Any) -> Reading:
    plan = {"sequence_length": 1024, "training_tokens": 1024 * 1000, "tokens_status": "exact"} | changes.pop("plan", {})
    return Reading(shape=shape, plan=TrainingPlan(**plan), **changes)


def test_a_whole_reading_is_counted() -> None:
    account = count(reading())
    assert (account.total_params, account.active_params, account.trainable_params) == (GPT2_PARAMS,) * 3
    assert (account.embedding_params, account.non_embedding_params) == (39_383_808, 85_056_000)
    assert account.params_status == "exact"
    assert account.forward_flops_per_sequence == GPT2_FORWARD
    assert account.training_flops_per_sequence == 3 * GPT2_FORWARD
    assert account.training_flops == 3 * GPT2_FORWARD * 1000
    assert account.tokens_per_parameter == 1_024_000 / GPT2_PARAMS
    assert (account.sequence_length, account.attention, account.training_tokens) == (1024, "full", 1_024_000)


def test_training_flops_name_their_convention() -> None:
    assert "full attention" in count(reading()).training_flops_because
    assert "causal attention" in count(reading(), attention="causal").training_flops_because


def test_causal_attention_costs_less() -> None:
    full, causal = count(reading()), count(reading(), attention="causal")
    assert causal.attention == "causal"
    assert full.forward_flops_per_sequence is not None
    assert causal.forward_flops_per_sequence == full.forward_flops_per_sequence - 2 * (1024 * 1023 // 2) * 2 * 768 * 12


def test_the_largest_runs_stay_exact_integers() -> None:
    """Llama 3.1 405B on 15.6e12 tokens, at the length at which torch counted 5,065,158,011,387,904 FLOPs per sequence."""
    account = count(reading(LLAMA_405B, plan={"sequence_length": 2048, "training_tokens": 15_600_000_000_000}))
    assert account.training_flops == 5_065_158_011_387_904 * 7_617_187_500
    assert account.training_flops == 38_582_258_289_868_800_000_000_000
    assert account.training_flops > 2**63


@pytest.mark.parametrize(("tokens", "flops"), [(1, 1), (2, 2), (3, 2), (4, 3), (4 * 10**30 + 1, 3 * 10**30 + 1)])
def test_a_broken_last_sequence_rounds_to_the_nearest_flop(monkeypatch: pytest.MonkeyPatch, tokens: int, flops: int) -> None:
    """GPT-2 and Llama divide evenly by their tokens; a convolutional stem need not."""
    monkeypatch.setattr("scalecheck.account.ledger", lambda _shape, _workload: (Part(name="stem", kind="matmul", forward_flops=1),))
    assert count(reading(plan={"sequence_length": 4, "training_tokens": tokens})).training_flops == flops


def test_unknown_vocabulary_leaves_only_non_embedding_params() -> None:
    account = count(reading(GPT2_UNKNOWN_VOCABULARY))
    assert account.non_embedding_params == 85_056_000
    assert account.params_status == "unknown"
    assert (account.total_params, account.active_params, account.embedding_params, account.tokens_per_parameter) == (None,) * 4
    assert account.training_flops is None
    assert account.training_flops_because == "unknown: the parameters are unknown"


def test_unknown_vocabulary_with_declared_params_is_six_n_d() -> None:
    account = count(reading(GPT2_UNKNOWN_VOCABULARY, declared_params=124_000_000))
    assert account.training_flops == 6 * 124_000_000 * 1_024_000
    assert account.training_flops_because == "6ND: the vocabulary size is unknown, so attention is not counted"
    assert account.non_embedding_params == 85_056_000


def test_unknown_sequence_length_is_six_n_d_and_says_so() -> None:
    account = count(reading(plan={"sequence_length": None}))
    assert account.training_flops == 6 * GPT2_PARAMS * 1_024_000
    assert account.training_flops_because == "6ND: the sequence length is unknown, so attention is not counted"
    assert (account.total_params, account.sequence_length) == (GPT2_PARAMS, None)


def test_unknown_sequence_length_leaves_no_flops_in_the_ledger() -> None:
    account = count(reading(plan={"sequence_length": None}))
    assert (account.forward_flops_per_sequence, account.training_flops_per_sequence) == (None, None)
    assert {part.forward_flops for part in account.parts if part.kind in ("matmul", "scores", "output_embedding")} == {None}
    assert {part.forward_flops for part in account.parts if part.kind == "norm"} == {0}


@pytest.mark.parametrize("length", [0, -5])
def test_an_impossible_sequence_length_counts_as_unknown(length: int) -> None:
    assert count(reading(plan={"sequence_length": length})) == count(reading(plan={"sequence_length": None}))


def test_declared_params_without_a_shape_are_six_n_d() -> None:
    account = count(reading(None, declared_params=1_300_000_000))
    assert (account.total_params, account.active_params, account.params_status) == (1_300_000_000, 1_300_000_000, "exact")
    assert (account.trainable_params, account.non_embedding_params) == (None, None)
    assert account.training_flops == 6 * 1_300_000_000 * 1_024_000
    assert account.training_flops_because == "6ND: the model's shape is unknown, so attention is not counted"


def test_declared_params_that_the_ledger_counts_too_keep_it() -> None:
    assert count(reading(declared_params=GPT2_PARAMS)).parts == count(reading()).parts


def test_flops_are_those_of_the_declared_params_and_not_of_another_models_shape() -> None:
    plan = TrainingPlan(training_tokens=1_000_000, sequence_length=1024, tokens_status="exact")
    account = count(replace(reading(declared_params=7_000_000_000), plan=plan))
    assert account.training_flops == 6 * 7_000_000_000 * 1_000_000
    assert account.parts == ()
    assert account.non_embedding_params is None


def test_declared_params_win_over_the_ledger() -> None:
    account = count(reading(declared_params=2 * GPT2_PARAMS))
    assert (account.total_params, account.active_params) == (2 * GPT2_PARAMS, 2 * GPT2_PARAMS)
    assert account.tokens_per_parameter == 1_024_000 / (2 * GPT2_PARAMS)
    assert account.training_flops == 6 * 2 * GPT2_PARAMS * 1_024_000


def test_nothing_known_is_unknown_and_no_error() -> None:
    account = count(Reading())
    assert account.params_status == "unknown"
    assert (account.parts, account.total_params, account.training_flops, account.tokens_per_parameter) == ((), None, None, None)


def test_tokens_without_params_tell_no_flops() -> None:
    assert count(reading(None)).training_flops_because == "unknown: the parameters are unknown"


def test_params_without_tokens_tell_no_flops() -> None:
    account = count(reading(plan={"training_tokens": None, "tokens_status": "unknown"}))
    assert (account.training_flops, account.tokens_per_parameter) == (None, None)
    assert account.training_flops_because == "unknown: the training tokens are unknown"
    assert account.training_flops_per_sequence == 3 * GPT2_FORWARD


def test_tokens_of_one_device_are_not_those_of_the_job() -> None:
    account = count(reading(plan={"tokens_status": "per_device"}))
    assert account.training_tokens is None
    assert (account.training_flops, account.tokens_per_parameter) == (None, None)
    assert "one device" in account.training_flops_because


def test_an_assumed_shape_field_makes_params_assumed() -> None:
    account = count(reading(origins={"intermediate_size": Origin(assumed=True), "hidden_size": Origin(key="model.n_embd")}))
    assert account.params_status == "assumed"


def test_an_assumed_plan_field_leaves_params_exact() -> None:
    assert count(reading(origins={"sequence_length": Origin(assumed=True)})).params_status == "exact"


def test_declared_params_are_exact_whatever_the_shape_assumes() -> None:
    origins = {"intermediate_size": Origin(assumed=True), "declared_params": Origin(key="params")}
    assert count(reading(declared_params=5, origins=origins)).params_status == "exact"


def test_assumed_declared_params_are_assumed() -> None:
    assert count(reading(declared_params=5, origins={"declared_params": Origin(assumed=True)})).params_status == "assumed"


@pytest.mark.parametrize("params", [0, -1])
def test_impossible_params_have_no_tokens_per_parameter(params: int) -> None:
    assert count(reading(declared_params=params)).tokens_per_parameter is None


def test_absurd_tokens_do_not_overflow() -> None:
    assert count(reading(plan={"training_tokens": 10**400})).tokens_per_parameter is None


def test_a_family_that_does_not_exist_is_named() -> None:
    with pytest.raises(PolicyError, match="lama"):
        count(reading(ModelShape(family="lama", num_layers=1, hidden_size=1, vocab_size=1)))


def test_experts_count_whole_in_total_and_by_use_in_active_and_flops() -> None:
    account = totals(tuple(repeat([matmul("expert", 3, 5, tokens=7)], 64, 8)))
    assert (account.total_params, account.active_params) == (64 * 15, 8 * 15)
    assert account.forward_flops_per_sequence == 8 * 2 * 7 * 15


def test_shared_layers_count_once_in_params_and_every_time_in_flops() -> None:
    account = totals(tuple(repeat([matmul("up", 3, 5, tokens=7)], 1, 12)))
    assert (account.total_params, account.active_params) == (15, 15)
    assert account.forward_flops_per_sequence == 12 * 2 * 7 * 15


def test_frozen_parts_are_not_trainable() -> None:
    frozen = Part(name="positions", kind="position_embedding", params=10, frozen=True)
    account = totals((frozen, matmul("up", 3, 5, tokens=7)))
    assert (account.total_params, account.trainable_params) == (25, 15)


def test_a_part_may_know_its_own_backward_flops() -> None:
    """A patch convolution's input is an image and needs no gradient: its backward pass costs one forward, not two."""
    account = totals((Part(name="patch", kind="matmul", params=4, copies=2, forward_flops=100, backward_flops=100),))
    assert (account.forward_flops_per_sequence, account.training_flops_per_sequence) == (200, 400)


def test_unknown_parts_leave_known_sums_known() -> None:
    account = totals((Part(name="table", kind="input_embedding", params=None), matmul("up", 3, 5, tokens=7)))
    assert (account.total_params, account.embedding_params, account.non_embedding_params) == (None, None, 15)
    assert account.params_status == "unknown"
    assert account.forward_flops_per_sequence == 2 * 7 * 15


# --- a module that was counted beside the formula


def built(total: int, trainable: int | None = None, **changes: Any) -> ModuleCount:
    return ModuleCount(target="model", total_params=total, trainable_params=total if trainable is None else trainable, **changes)


def test_module_that_agrees_leaves_the_ledger_and_tells_what_is_frozen() -> None:
    alone, account = count(reading()), count(reading(module=built(GPT2_PARAMS, 1000)))
    assert account == replace(alone, trainable_params=1000, formula_params=GPT2_PARAMS)
    assert alone.formula_params is None


def test_module_that_disagrees_wins_and_the_formulas_figure_is_kept() -> None:
    module = built(1_000_000, 900_000, sequence_length=1024, forward_flops_per_sequence=4096)
    account = count(reading(module=module))
    assert (account.total_params, account.active_params, account.trainable_params) == (1_000_000, 1_000_000, 900_000)
    assert account.formula_params == GPT2_PARAMS
    assert (account.embedding_params, account.non_embedding_params, account.parts) == (None, None, ())
    assert (account.forward_flops_per_sequence, account.training_flops_per_sequence) == (4096, 3 * 4096)
    assert account.training_flops == 3 * 4096 * 1000
    assert account.tokens_per_parameter == 1_024_000 / 1_000_000
    assert account.params_status == "exact"


def test_module_without_a_shape_is_the_account() -> None:
    account = count(reading(None, module=built(1_000_000)))
    assert (account.total_params, account.formula_params, account.params_status) == (1_000_000, None, "exact")
    assert account.training_flops == 6 * 1_000_000 * 1_024_000
    assert account.training_flops_because == "6ND: no FLOPs were counted on the module, so attention is not counted"


def test_module_whose_flops_are_of_another_length_is_six_n_d() -> None:
    account = count(reading(None, module=built(10, sequence_length=64, forward_flops_per_sequence=4096)))
    assert account.forward_flops_per_sequence is None
    assert account.training_flops == 6 * 10 * 1_024_000


def test_flops_of_a_module_are_of_full_attention_whatever_was_asked_for() -> None:
    module = built(10, sequence_length=1024, forward_flops_per_sequence=4096)
    account = count(reading(None, module=module), attention="causal")
    assert account.attention == "full"
    assert "full attention" in account.training_flops_because


def test_module_tells_the_vocabulary_that_the_config_does_not() -> None:
    account = count(reading(GPT2_UNKNOWN_VOCABULARY, module=built(GPT2_PARAMS)))
    assert (account.total_params, account.formula_params) == (GPT2_PARAMS, None)


def test_declared_params_win_over_the_module_too() -> None:
    account = count(reading(declared_params=5, module=built(1_000_000)))
    assert (account.total_params, account.formula_params) == (5, GPT2_PARAMS)


def test_decoder_of_another_length_than_the_source_costs_its_own():
    """T5 reads 512 tokens and writes 128: D counts what is read, and C what both stacks do for it."""
    config = {"model_type": "t5", "num_layers": 2, "d_model": 64, "d_ff": 128, "num_heads": 4, "d_kv": 16, "vocab_size": 100}
    shape = read_config(config).shape
    plan = TrainingPlan(sequence_length=512, target_length=128, training_tokens=512 * 1000, tokens_status="exact")
    account = count(Reading(shape=shape, plan=plan))
    assert (account.sequence_length, account.source_length) == (128, 512)
    assert account.training_flops == 1000 * account.training_flops_per_sequence
    one_length = count(Reading(shape=shape, plan=replace(plan, target_length=None)))
    assert account.training_flops < one_length.training_flops
