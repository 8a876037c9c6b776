"""Where other tools were found wrong: one test per place, our figure against the arithmetic written out.

The issues are those of the projects named, or were measured by this project on their released versions (torch 2.13.0, transformers 5.23.0,
llm-analysis 0.2.2, TRL 1.16.0, calflops 0.3.2, torchinfo 1.8.0). Mistakes about D, the tokens, have their tests with the schedules.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scalecheck.account import active_params, forward_flops, ledger, stored_params, totals, training_flops
from scalecheck.config_file import read_config
from scalecheck.conventions import conventions
from scalecheck.facts import Account, AttentionConvention, Workload

CONFIGS = Path(__file__).parent / "oracle" / "configs"
LLAMA = {  # smaller than any real one, so that its arithmetic can be written out
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 3,
    "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 1000, "tie_word_embeddings": False,
}  # fmt: skip
TOKENS = 32


@cache
def published(name: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((CONFIGS / f"{name}.json").read_text())
    return config


def count(config: dict[str, Any], tokens: int = TOKENS, attention: AttentionConvention = "full", **changes: Any) -> Account:
    reading = read_config(config | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=tokens, attention=attention)))


def of(account: Account, *names: str) -> int:
    return sum(stored_params(part) or 0 for part in account.parts if part.name in names)


def kind(account: Account, name: str) -> int:
    return sum(forward_flops(part) or 0 for part in account.parts if part.kind == name)


def test_gated_mlp_has_three_matrices() -> None:
    """EleutherAI/cookbook #36 (Qwen1.5-72B counted as 56 B), TransformerLens #448, vllm-fit #8 and #20, Megatron-DeepSpeed #283: two."""
    assert of(count(LLAMA), "mlp.gate", "mlp.up", "mlp.down") == 3 * (3 * 64 * 176)


def test_plain_mlp_has_two_matrices() -> None:
    """TRL's compute_flops_per_token takes every MLP to be gated: phi-2 +28 %, starcoder2-15b +36 %. So does nanotron's get_flops."""
    assert of(count(published("gpt2")), "mlp.gate", "mlp.up", "mlp.down") == 12 * (2 * 768 * 3072)
    starcoder = {"model_type": "starcoder2", "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 3, "num_attention_heads": 8}
    counted = count(starcoder | {"num_key_value_heads": 2, "vocab_size": 1000, "architectures": ["Starcoder2ForCausalLM"]})
    assert of(counted, "mlp.gate", "mlp.up", "mlp.down") == 3 * (2 * 64 * 256)


def test_gating_is_the_familys_and_not_guessed_from_a_ratio() -> None:
    """llm-analysis at its last commit takes ffn / hidden == 3.5 for gated and crashes on Llama-3.1-405B, whose ratio is 3.25."""
    assert published("llama-3.1-405b")["intermediate_size"] / published("llama-3.1-405b")["hidden_size"] == 3.25
    assert of(count(published("llama-3.1-405b")), "mlp.gate", "mlp.up", "mlp.down") == 126 * 3 * 16384 * 53248


@pytest.mark.parametrize(("hidden_size", "intermediate_size"), [(4096, 14336), (4096, 11008)])
def test_mlp_need_not_be_a_whole_multiple_of_the_width(hidden_size: int, intermediate_size: int) -> None:
    """EleutherAI/cookbook takes a whole number for the factor, and Llama's are 3.5 and 2.6875; Megatron-LM #682: fixed at 4."""
    assert intermediate_size % hidden_size
    counted = count(LLAMA, hidden_size=hidden_size, intermediate_size=intermediate_size, num_attention_heads=32, num_key_value_heads=8)
    assert of(counted, "mlp.gate", "mlp.up", "mlp.down") == 3 * 3 * hidden_size * intermediate_size


def test_intermediate_size_is_read() -> None:
    """llm-analysis 0.2.2 ignores intermediate_size (Llama-3-8B: N -23 %); cookbook parses --ffn-hidden-size and never uses it."""
    wide, narrow = count(LLAMA, intermediate_size=200), count(LLAMA, intermediate_size=100)
    assert wide.total_params is not None
    assert narrow.total_params == wide.total_params - 3 * 3 * 64 * 100


def test_grouped_queries_narrow_keys_and_values_only() -> None:
    """allenai/OLMo #475 and jax-ml/scaling-book #30: keys and values as wide as queries. Scores stay: every query head scores."""
    grouped, full = count(LLAMA), count(LLAMA, num_key_value_heads=8)
    assert of(grouped, "attention.key", "attention.value") == 3 * 2 * 64 * (2 * 8)
    assert of(full, "attention.key", "attention.value") == 3 * 2 * 64 * 64
    assert of(grouped, "attention.query", "attention.output") == of(full, "attention.query", "attention.output") == 3 * 2 * 64 * 64
    assert kind(grouped, "scores") == kind(full, "scores") == 3 * 2 * TOKENS * TOKENS * 64 * 2


def test_width_of_a_head_need_not_be_hidden_size_over_heads() -> None:
    """vLLM #19290; levanter's lm_flops_per_token divides too. Qwen3-30B-A3B has 32 heads of 128 on a width of 2048."""
    counted = count(published("qwen3-30b-a3b"), TOKENS)
    assert of(counted, "attention.query") == 48 * 2048 * (32 * 128)
    assert kind(counted, "scores") == 48 * 2 * TOKENS * TOKENS * (32 * 128) * 2


def test_causal_attention_is_a_choice_that_has_a_name() -> None:
    """AI-Hypercomputer/maxtext #1972, pytorch/torchtitan #341, Megatron-LM #831: frameworks halve it or not, without saying so."""
    assert kind(count(LLAMA, TOKENS, "full"), "scores") == 3 * 2 * (32 * 32) * 64 * 2
    assert kind(count(LLAMA, TOKENS, "causal"), "scores") == 3 * 2 * (32 * 33 // 2) * 64 * 2


def test_model_that_looks_both_ways_is_not_halved() -> None:
    """The same choice, made for a model without a causal mask, would leave out work that BERT does."""
    assert kind(count(published("bert-base-uncased"), 128, "causal"), "scores") == 12 * 2 * (128 * 128) * 768 * 2


def test_sliding_window_bounds_the_pairs() -> None:
    """allenai/OLMo-core #478 and NVIDIA-NeMo/Megatron-Bridge #3029. Gemma-3-1B: 22 of 26 layers see 512 positions, 4 see all."""
    tokens = 2048
    window, full = 512 * 513 // 2 + (tokens - 512) * 512, tokens * (tokens + 1) // 2
    assert kind(count(published("gemma-3-1b"), tokens, "windowed"), "scores") == 2 * (22 * window + 4 * full) * (4 * 256) * 2
    assert kind(count(published("gemma-3-1b"), tokens, "causal"), "scores") == 2 * 26 * full * (4 * 256) * 2


def test_only_routed_experts_run() -> None:
    """maxtext #678 (287.8 against 80.0 TFLOP/s of Mixtral), ArcticTraining #289, Megatron-Bridge #850, prime-rl #778: all of them counted."""
    counted, expert = count(published("mixtral-8x7b"), 1), 3 * 4096 * 14336
    assert of(counted, "experts.gate", "experts.up", "experts.down") == 32 * 8 * expert
    run = sum(forward_flops(part) or 0 for part in counted.parts if part.name.startswith("experts."))
    assert run == 2 * 32 * 2 * expert
    assert (counted.total_params, counted.active_params) == (46_702_792_704, 46_702_792_704 - 32 * 6 * expert)


def test_experts_are_not_all_missed_either() -> None:
    """calflops does not see torch.bmm: Mixtral's experts count nothing (-87.5 %); torch counts grouped_mm as 0."""
    counted = count(published("mixtral-8x7b"), 1)
    run = sum(forward_flops(part) or 0 for part in counted.parts if part.name.startswith("experts."))
    assert counted.forward_flops_per_sequence is not None
    assert 5 * run > 4 * counted.forward_flops_per_sequence


def test_dense_layers_of_a_mixture_have_no_experts() -> None:
    """cookbook routes in every layer (DeepSeek-V3: N +260 %, C +656 %). Three of its 61 layers are dense, and 18432 wide."""
    counted, expert = count(published("deepseek-v3")), 3 * 7168 * 2048
    assert of(counted, "mlp.gate", "mlp.up", "mlp.down") == 3 * 3 * 7168 * 18432
    assert of(counted, "experts.gate", "experts.up", "experts.down") == 58 * 256 * expert
    assert counted.total_params == 671_026_404_352


def test_shared_expert_is_met_by_every_token() -> None:
    """maxtext #4017 (3 x off, and its unit test repeated the mistake); levanter has no size for it: Qwen2-57B -38 %."""
    counted = count(published("deepseek-v3"), 1)
    shared = [part for part in counted.parts if part.name.startswith("shared_experts.")]
    assert sum(active_params(part) or 0 for part in shared) == 58 * 3 * 7168 * 2048
    assert sum(forward_flops(part) or 0 for part in shared) == 2 * 58 * 3 * 7168 * 2048


def test_router_is_a_matmul_and_its_balancing_bias_no_parameter() -> None:
    """Megatron-LM leaves the router out (C of Qwen3-30B-A3B -0.33 %); DeepSeek-V3's correction bias is a buffer of 58 x 256."""
    counted = count(published("deepseek-v3"), 1)
    assert of(counted, "router") == 58 * 7168 * 256
    assert sum(forward_flops(part) or 0 for part in counted.parts if part.name == "router") == 2 * 58 * 7168 * 256
    assert [part.name for part in counted.parts if part.kind == "bias"] == []


def test_latent_attention_has_two_widths_and_two_ranks() -> None:
    """Megatron-LM #1475: not counted; TRL has none. Queries and keys are 192 wide, values 128."""
    counted = count(published("deepseek-v3"), TOKENS)
    per_layer = 7168 * 1536 + 1536 * 128 * 192 + 7168 * (512 + 64) + 512 * 128 * (128 + 128) + 128 * 128 * 7168
    assert (
        sum(stored_params(part) or 0 for part in counted.parts if part.name.startswith("attention.") and part.kind == "matmul")
        == 61 * per_layer
    )
    assert kind(counted, "scores") == 61 * 2 * TOKENS * TOKENS * 128 * (192 + 128)


def test_tied_head_is_stored_once() -> None:
    """torchinfo counts it twice: GPT-2 becomes 163,037,184; deepspeed #7256 is about shared weights as well."""
    counted = count(published("gpt2"))
    assert counted.total_params == 124_439_808 == 163_037_184 - 50257 * 768
    assert of(counted, "lm_head") == 0


def test_tied_head_multiplies() -> None:
    """TRL #6708 and its PRs #6707, #6709, #6731 (a tied head counted as 0) and torchtitan #3225 (tied weights under-reported)."""
    for tied in (True, False):
        head = [part for part in count(published("gpt2"), 1, tie_word_embeddings=tied).parts if part.name == "lm_head"]
        assert [forward_flops(part) for part in head] == [2 * 50257 * 768]


def test_untied_head_is_a_table_of_its_own() -> None:
    """llm-analysis always ties (Llama-3-8B: -6.5 %), and accelerate's estimate builds the model without its head (-6.5 % as well)."""
    counted = count(published("llama-3-8b"))
    assert of(counted, "lm_head") == of(counted, "token_embedding") == 128256 * 4096
    assert counted.total_params == 8_030_261_248


def test_t5_keeps_the_head_that_its_checkpoint_has() -> None:
    """transformers >= 5 ties T5 v1.1 and Flan-T5 whatever the file says (PR #42815): small -21.4 %."""
    untied, tied = (count(published("t5-small"), tie_word_embeddings=tied).total_params for tied in (False, True))
    assert tied == 60_506_624
    assert untied == tied + 32128 * 512


def test_look_up_of_tokens_is_no_matmul() -> None:
    """tt-metal #50114 (5 to 6 % too much), TRL #6708, verl's flops_counter: the input embedding counted as if it were multiplied."""
    for part in count(published("llama-3-8b"), 2048).parts:
        if part.kind == "input_embedding":
            assert (forward_flops(part), training_flops(part)) == (0, 0)


def test_logits_are_trained_like_every_matmul() -> None:
    """cookbook counts them 2 x where training takes 6 x: GPT-2 -18 %."""
    head = [part for part in count(published("gpt2"), 1).parts if part.name == "lm_head"]
    assert [training_flops(part) for part in head] == [6 * 50257 * 768]


def test_rotary_model_has_no_table_of_positions() -> None:
    """cookbook adds one, and biases, to every model: Llama-3-8B +0.43 %."""
    counted = count(published("llama-3-8b"))
    assert [part.name for part in counted.parts if part.kind in ("position_embedding", "bias")] == []


def test_recomputation_is_not_in_c() -> None:
    """cookbook counts activation recomputation unless told not to: GPT-2 9.08e17 for 1e9 tokens where 7.00e17 are the model's in its count."""
    counted = count(LLAMA)
    assert counted.forward_flops_per_sequence is not None
    assert counted.training_flops_per_sequence == 3 * counted.forward_flops_per_sequence
    checkpointed = count(LLAMA, gradient_checkpointing=True, use_cache=False)
    assert checkpointed.training_flops_per_sequence == counted.training_flops_per_sequence


def test_fused_attentions_backward_is_twice_its_forward() -> None:
    """Dao-AILab/flash-attention #1525: its backward runs 5 products for 2, as it computes scores again; 2.5 x is work of the kernel."""
    for part in count(LLAMA).parts:
        if part.kind == "scores":
            assert training_flops(part) == 3 * (3 * 2 * TOKENS * TOKENS * 64 * 2)


def test_scores_count_whatever_kernel_runs() -> None:
    """pytorch #195460: fused attention on a CPU counts 0 in FlopCounterMode; calflops #48: products of query and key are not seen."""
    eager, fused = (count(LLAMA, _attn_implementation=name) for name in ("eager", "sdpa"))
    assert kind(eager, "scores") == kind(fused, "scores") == 3 * 2 * TOKENS * TOKENS * 64 * 2


def test_depthwise_convolutions_backward_is_one_channel_at_a_time() -> None:
    """pytorch PR #183405: the weights' gradient ignores groups, so that mamba-130m's training counts 59 % too much at T = 512."""
    counted = count(published("mamba-130m"), 512)
    convolution = [part for part in counted.parts if part.name == "mixer.convolution"]
    assert [forward_flops(part) for part in convolution] == [24 * 2 * (512 + 3) * 4 * 1536]
    assert [training_flops(part) for part in convolution] == [3 * 24 * 2 * (512 + 3) * 4 * 1536]


def test_matmuls_grow_with_the_sequence() -> None:
    """torchinfo's multiply-adds of a linear layer ignore the tokens (Llama-3-8B: -99.95 %)."""
    assert (
        kind(count(LLAMA, 64), "matmul") == 64 * kind(count(LLAMA, 1), "matmul") == 64 * 2 * 3 * (2 * 64 * 64 + 2 * 64 * 16 + 3 * 64 * 176)
    )


def test_biased_linear_layer_counts_once() -> None:
    """deepspeed's profiler counts it twice on the meta device (BERT +98 %)."""
    counted = count(published("bert-base-uncased"), 1)
    assert kind(counted, "matmul") == 2 * (12 * (4 * 768 * 768 + 2 * 768 * 3072) + 768 * 768)
    assert kind(counted, "bias") == 0


def test_frozen_parameters_are_not_trained() -> None:
    """Counting what requires a gradient, or all there is, gives two figures; Whisper's encoder positions are frozen sines of 1500 x 384."""
    counted = count(published("whisper-tiny"), 448)
    assert counted.total_params == 37_760_640
    assert counted.trainable_params == 37_760_640 - 1500 * 384


def test_llama_4_runs_the_experts_that_it_routes_to() -> None:
    """transformers' own code multiplies every token with every expert: 4.41e14 forward FLOPs of Scout at T = 2048, where routed ones need 7.02e13."""
    config = {
        "model_type": "llama4_text", "architectures": ["Llama4ForCausalLM"], "hidden_size": 64, "intermediate_size": 128, "intermediate_size_mlp": 256,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "num_local_experts": 8, "num_experts_per_tok": 1,
        "interleave_moe_layer_step": 1, "vocab_size": 500,
    }  # fmt: skip
    routed = [part for part in count(config, 1).parts if part.name.startswith("experts.")]
    assert sum(stored_params(part) or 0 for part in routed) == 2 * 8 * 3 * 64 * 128
    assert sum(forward_flops(part) or 0 for part in routed) == 2 * 2 * 3 * 64 * 128


def test_6nd_takes_the_active_parameters() -> None:
    """6ND on all parameters is 14 times too much on DeepSeek-V3 at T = 4096: C +1332 %, where active parameters give -20 %."""
    shape = read_config(published("deepseek-v3")).shape
    assert shape is not None
    told = {convention.name: convention.flops_per_token for convention in conventions(shape, 4096)}
    assert (told["6n_total"], told["6n_active"]) == (6 * 671_026_404_352, 6 * 37_552_282_624)
