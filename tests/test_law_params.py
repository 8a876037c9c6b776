"""N as each law counts it, against counts worked out by hand and DeepSeek's own table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.account import count
from scalecheck.architectures.gpt2 import Shape
from scalecheck.facts import Account, Reading, TrainingPlan
from scalecheck.law_params import active_or_total, params_over_6, with_head

VOCABULARY = 102_400


def account_of(num_layers: int, hidden_size: int, *, tied: bool, attention="full") -> Account:
    shape = Shape(
        family="gpt2", num_layers=num_layers, hidden_size=hidden_size, vocab_size=VOCABULARY, num_attention_heads=8,
        intermediate_size=4 * hidden_size, max_positions=4096, tie_word_embeddings=tied,
    )  # fmt: skip
    return count(Reading(shape=shape, plan=TrainingPlan(sequence_length=4096)), attention)


@pytest.mark.parametrize(
    ("num_layers", "hidden_size", "published"),
    [(8, 512, 352e6), (12, 768, 963e6), (24, 1024, 3.02e9), (32, 4096, 45.1e9), (40, 5120, 85.6e9), (80, 8192, 419e9)],
)
def test_m_is_that_of_deepseeks_table_3(num_layers, hidden_size, published):
    """M = 72 n d^2 + 12 n d l (arXiv 2401.02954, Eq. 2 and Table 3, l = 4096)."""
    m = 6 * params_over_6(account_of(num_layers, hidden_size, tied=False))
    assert m == 72 * num_layers * hidden_size**2 + 12 * num_layers * hidden_size * 4096
    assert m == pytest.approx(published, rel=0.006)


def test_causal_pairs_are_counted_up_to_all_pairs():
    full, causal = (params_over_6(account_of(8, 512, tied=False, attention=name)) for name in ("full", "causal"))
    assert causal == pytest.approx(full, rel=1e-12)


def test_windows_leave_m_unknown():
    assert params_over_6(replace(account_of(8, 512, tied=False), attention="windowed")) is None


@pytest.mark.parametrize("tied", [True, False])
def test_head_counts_whether_tied_or_not(tied):
    account = account_of(8, 512, tied=tied)
    assert with_head(account) == account.active_non_embedding_params + VOCABULARY * 512


def test_a_model_of_unknown_parts_has_neither():
    declared = Account(total_params=10**9)
    assert with_head(declared) is None
    assert params_over_6(declared) is None
    assert active_or_total(declared) == 10**9
