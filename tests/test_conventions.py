"""What others call training FLOPs per token. The deviations were measured by this project against torch's FlopCounterMode.

The first figure of a row is forward plus backward per token as counted on the model's own code (transformers 5.23.0, torch 2.13.0, meta
device); the others are how far each formula is from it, in percent, to the printed precision.
"""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from scalecheck import conventions as module
from scalecheck.account import totals
from scalecheck.architectures.gpt2 import Shape as GPT2
from scalecheck.config_file import read_config
from scalecheck.conventions import ALL, Convention, conventions
from scalecheck.facts import ModelShape

CONFIGS = Path(__file__).parent / "oracle" / "configs"
NAMES = ("6n_total", "6n_non_embedding", "6n_active", "6n_active_non_embedding", "kaplan2020", "palm2022", "palm2022_non_embedding", "nanogpt",
         "megatron_lm", "hoffmann2022_f", "deepseek2024_m")  # fmt: skip
MEASURED = """
gpt2            128     7.5535e+08 0.991   -1.15   -32.44   -1.15 -32.44 -31.50  +0.72 -30.56  +0.10  -0.94 +30.68 -30.66
gpt2            1024    8.5444e+08 0.934  -12.62   -40.27  -12.62 -40.27 -33.65  +0.64 -27.02  +0.09  -6.63 +27.26 -27.10
pythia-70m      2048    3.4328e+08 0.890  +23.10   -66.94  +23.10 -66.94 -55.94 +45.09 -44.95 +45.09 -11.00 +45.27 -45.02
llama-3-8b      2048    4.8249e+10 0.967   -0.14   -13.21   -0.14 -13.21  -9.87  +6.54  -6.53  +6.54  -3.34  +6.57 -13.21
llama-3-8b      8192    5.7913e+10 0.889  -16.80   -27.69  -16.80 -27.69 -16.56  +5.45  -5.44  +5.45 -11.12  +5.57 -11.00
llama-3-8b      131072  2.5119e+11 0.590  -80.82   -83.33  -80.82 -83.33 -42.29  +1.26  -1.25  +1.26 -41.04  +1.74  -2.54
llama-3.1-405b  8192    2.6254e+12 0.961   -7.25    -8.21   -7.25  -8.21  -4.34  +0.48  -0.48  +0.48  -3.86  +0.53  +0.49
llama-3.1-405b  131072  5.6695e+12 0.714  -57.05   -57.49  -57.05 -57.49 -28.86  +0.22  -0.22  +0.22 -28.64  +0.56  +0.23
mixtral-8x7b    4096    8.2934e+10 0.961 +237.88  +235.98   -6.82  -8.71  -4.83  +0.95  -0.95  +0.95  -3.89   none   none
qwen3-30b-a3b   4096    2.7914e+10 0.827 +556.28  +542.91  -27.93 -41.30 -23.99  +6.69  -6.68  +6.69 -17.58   none   none
deepseek-v3     4096    2.8115e+11 0.891 +1332.02 +1328.07 -19.86 -23.82 -10.71  +6.35  +2.39  +6.35 -11.15   none   none
deepseek-v3     32768   7.1098e+11 0.655 +466.28  +464.72  -68.31 -69.87 -28.42 +14.60 +13.04 +14.60 -34.64   none   none
"""
ROWS = [pytest.param(*line.split()[:4], line.split()[4:], id="-".join(line.split()[:2])) for line in MEASURED.strip().splitlines()]


@cache
def shape_of(name: str) -> ModelShape:
    shape = read_config(json.loads((CONFIGS / f"{name}.json").read_text())).shape
    assert shape is not None
    return shape


def told(name: str, tokens: int | None) -> dict[str, Convention]:
    return {convention.name: convention for convention in conventions(shape_of(name), tokens)}


def deviation(found: Convention, reference: Convention) -> str:
    if found.flops_per_token is None:
        return "none"
    assert reference.flops_per_token is not None
    return f"{float(found.flops_per_token / Fraction(reference.flops_per_token) - 1):+.2%}".rstrip("%")


@pytest.mark.parametrize(("name", "tokens", "counted", "causal", "expected"), ROWS)
def test_deviations_are_those_that_were_measured(name: str, tokens: str, counted: str, causal: str, expected: list[str]) -> None:
    found = told(name, int(tokens))
    full, ours = found["scalecheck_full"], found["scalecheck_causal"]
    assert full.flops_per_token is not None
    assert ours.flops_per_token is not None
    assert f"{float(full.flops_per_token):.4e}" == counted
    assert f"{float(ours.flops_per_token / full.flops_per_token):.3f}" == causal
    assert dict(zip(NAMES, expected, strict=True)) == {convention: deviation(found[convention], full) for convention in NAMES}


@pytest.mark.parametrize("name", ["gpt2", "llama-3-8b", "mixtral-8x7b", "qwen3-30b-a3b", "deepseek-v3"])
def test_torchtitan_is_ours_but_for_norms_and_biases(name: str) -> None:
    found = told(name, 4096)
    params = 6 * sum(
        part.params * part.copies
        for part in module.subject_of(shape_of(name), 4096).full.parts
        if part.kind in ("norm", "bias") and part.params
    )
    full, titan = found["scalecheck_full"].flops_per_token, found["torchtitan"].flops_per_token
    assert full is not None
    assert titan == full + params


def test_gpt2_in_explicit_arithmetic() -> None:
    """12 layers of 768, 12 heads of 64, 50257 tokens, T = 1024."""
    found = {name: convention.flops_per_token for name, convention in told("gpt2", 1024).items()}
    attention, table = 12 * 12 * 12 * 64 * 1024, 50257 * 768
    assert found["6n_total"] == 6 * 124_439_808
    assert found["kaplan2020"] == 6 * 85_056_000 + attention // 2
    assert found["palm2022"] == 6 * 124_439_808 + attention
    assert found["nanogpt"] == 6 * (124_439_808 - 1024 * 768) + attention
    full = 6 * (12 * 12 * 768 * 768 + table) + attention
    assert found["scalecheck_full"] == full
    assert found["hoffmann2022_f"] == full + 6 * table + 9 * 12 * 12 * 1024
    assert found["megatron_lm"] == full - attention // 2
    assert found["deepseek2024_m"] == 72 * 12 * 768 * 768 + 12 * 12 * 768 * 1024


@pytest.mark.parametrize(
    ("num_layers", "hidden_size", "expected"),
    [(8, 512, "3.52e+08"), (24, 1024, "3.02e+09"), (40, 5120, "8.56e+10"), (80, 8192, "4.19e+11")],
)
def test_m_is_that_of_the_papers_table_3(num_layers: int, hidden_size: int, expected: str) -> None:
    """arXiv 2401.02954, table 3 (V = 102400, T = 4096) says 352M, 3.02B, 85.6B and 419B."""
    shape = GPT2(
        num_layers=num_layers,
        hidden_size=hidden_size,
        num_attention_heads=8,
        intermediate_size=4 * hidden_size,
        vocab_size=102400,
        max_positions=None,
    )
    found = {convention.name: convention for convention in conventions(shape, 4096)}["deepseek2024_m"].flops_per_token
    assert found is not None
    assert f"{float(found):.2e}" == expected


def test_hoffmann_f_is_that_of_a_known_reproduction() -> None:
    """nanoGPT's scaling_laws.ipynb prints 929,877,196,800 for the first row of table A4: 10 layers of 640, T = 2048, embeddings and logits left out."""
    shape = GPT2(num_layers=10, hidden_size=640, num_attention_heads=10, intermediate_size=2560, vocab_size=32000, max_positions=None)
    found = {convention.name: convention for convention in conventions(shape, 2048)}["hoffmann2022_f"].flops_per_token
    assert found is not None
    embeddings_and_logits = 3 * 2 * (2 * 32000 * 640)
    assert (found - embeddings_and_logits) * 2048 == 929_877_196_800


def test_values_are_whole_or_fractions_never_floats() -> None:
    for name in ("gpt2", "deepseek-v3"):
        for convention in conventions(shape_of(name), 1023):
            assert convention.flops_per_token is None or type(convention.flops_per_token) in (int, Fraction), convention
    source = ast.parse(Path(module.__file__).read_text())
    assert [node.value for node in ast.walk(source) if isinstance(node, ast.Constant) and isinstance(node.value, float)] == []


def test_latent_attentions_norms_are_in_megatrons_count() -> None:
    """Its formula has (hidden + heads x width + 1) x rank: the + 1 is the norm's gain, over 61 layers of ranks 1536 and 512."""
    found = told("deepseek-v3", 4096)
    shape_scores = 6 * 61 * 128 * (192 + 128) * 4096
    router = 6 * 58 * 7168 * 256
    full = found["scalecheck_full"].flops_per_token
    assert full is not None
    assert found["megatron_lm"].flops_per_token == full - shape_scores // 2 - router + 6 * 61 * (1536 + 512)


def test_what_needs_experts_to_be_absent_says_so() -> None:
    for name in ("hoffmann2022_f", "deepseek2024_m"):
        convention = told("mixtral-8x7b", 4096)[name]
        assert convention.flops_per_token is None
        assert "experts" in convention.because


def test_state_space_model_has_no_attention_formula_but_6n() -> None:
    found = told("mamba-130m", 512)
    assert {name for name, convention in found.items() if convention.flops_per_token is not None} == {
        "scalecheck_full", "scalecheck_causal", "6n_total", "6n_active", "6n_non_embedding", "6n_active_non_embedding",
    }  # fmt: skip
    assert "layers each have one attention" in found["palm2022"].because
    assert found["scalecheck_full"].flops_per_token == found["scalecheck_causal"].flops_per_token


def test_hybrid_whose_layers_do_not_all_attend_has_no_attention_formula() -> None:
    """No family here is one yet: GPT-2 with attention in 6 of its 12 layers stands for it."""
    whole = module.subject_of(shape_of("gpt2"), 1024)
    parts = tuple(part._replace(copies=6) if part.kind == "scores" else part for part in whole.full.parts)
    hybrid = replace(whole, full=totals(parts))
    assert {count(hybrid).flops_per_token for count in (module.kaplan2020, module.palm2022, module.megatron_lm, module.deepseek2024_m)} == {
        None
    }
    assert None not in {count(whole).flops_per_token for count in ALL}


@pytest.mark.parametrize("name", ["t5-small", "whisper-tiny", "vit-base-patch16-224"])
def test_models_of_two_sequences_or_of_images_have_none_per_token(name: str) -> None:
    assert {(convention.flops_per_token, convention.because[:13]) for convention in conventions(shape_of(name), 512)} == {
        (None, "it is counted")
    }


def test_megatron_is_causal_and_bert_is_not() -> None:
    found = told("bert-base-uncased", 512)
    assert found["megatron_lm"].flops_per_token is None
    assert "both ways" in found["megatron_lm"].because
    assert found["scalecheck_full"].flops_per_token == found["scalecheck_causal"].flops_per_token


def test_without_a_length_6n_stays_and_the_others_say_why() -> None:
    found = told("gpt2", None)
    assert {name for name, convention in found.items() if convention.flops_per_token is not None} == {
        "6n_total", "6n_active", "6n_non_embedding", "6n_active_non_embedding",
    }  # fmt: skip
    assert {convention.because for convention in found.values() if convention.flops_per_token is None} == {"the sequence length is unknown"}


def test_without_a_vocabulary_what_needs_none_stays() -> None:
    shape = GPT2(num_layers=2, hidden_size=64, num_attention_heads=4, intermediate_size=256, vocab_size=None, max_positions=None)
    found = {convention.name: convention for convention in conventions(shape, 128)}
    assert {name for name, convention in found.items() if convention.flops_per_token is not None} >= {"6n_non_embedding", "deepseek2024_m"}
    assert found["6n_total"].because == found["scalecheck_full"].because == found["torchtitan"].because == "the vocabulary size is unknown"


def test_every_convention_has_a_name_of_its_own_and_a_source() -> None:
    found = told("gpt2", 1024)
    assert len(found) == len(ALL)
    assert all(convention.source and convention.because for convention in found.values())
    assert all(count.__doc__ and len(count.__doc__) > 50 for count in ALL)
