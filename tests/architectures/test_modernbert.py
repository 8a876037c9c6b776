import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.modernbert import CLASS_DEFAULTS, Shape, derive
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload

SMALL = {
    "num_layers": 4,
    "hidden_size": 32,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "intermediate_size": 50,
    "windowed_layers": 2,
}


def account(tokens=7, attention="full", **changes):
    return totals(ledger(Shape(**(SMALL | changes)), Workload(sequence_length=tokens, attention=attention)))


def test_modernbert_large_has_396_million_params():
    """28 layers, 1024 wide: 395,881,664 with the head, as transformers 5.23.0 builds it; published as 395M."""
    sizes = {"num_layers": 28, "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 2624, "windowed_layers": 18}
    values = {name: value for name, value in CLASS_DEFAULTS.items() if name != "sparse_prediction"}
    assert totals(ledger(Shape(**(values | sizes)), Workload(sequence_length=1))).total_params == 395_881_664


def test_params_equal_the_closed_form():
    """The first layer has one norm, the others two; embedding, stack and head have one each."""
    layer = 4 * 32 * 32 + 3 * 32 * 50
    assert account().total_params == 101 * 32 + 4 * layer + (2 * 4 - 1 + 3) * 32 + 32 * 32 + 101


@pytest.mark.parametrize(
    ("switched", "params"),
    [
        ({"attention_bias": True}, 4 * 4 * 32),
        ({"mlp_bias": True}, 4 * (50 + 50 + 32)),
        ({"norm_bias": True}, (2 * 4 - 1 + 3) * 32),
        ({"classifier_bias": True}, 32),
        ({"decoder_bias": False}, -101),
        ({"tie_word_embeddings": False}, 101 * 32),
    ],
)
def test_each_switch_adds_its_params(switched, params):
    assert account(**switched).total_params == account().total_params + params


@pytest.mark.parametrize(("width", "pairs"), [(1, 7), (4, 5 + 2 * (3 + 4) + 2 * 5), (5, 29), (128, 49)])
def test_a_window_reaches_half_its_width_to_either_side(width, pairs):
    """7 tokens, two of four layers with a window; a width of 5 reaches 2 tokens as one of 4 does."""
    full, windowed = account(local_attention=width), account(attention="windowed", local_attention=width)
    assert full.forward_flops_per_sequence - windowed.forward_flops_per_sequence == 2 * 4 * 32 * (49 - pairs)
    assert account(attention="causal", local_attention=width).forward_flops_per_sequence == full.forward_flops_per_sequence


@pytest.mark.parametrize(
    ("values", "windowed"),
    [
        ({"num_layers": 22}, 14),
        ({"num_layers": 7, "global_attn_every_n_layers": 2}, 3),
        ({"num_layers": 7, "global_attn_every_n_layers": 1}, 0),
        ({"num_layers": 3, "layer_types": ("sliding_attention", "full_attention", "sliding_attention")}, 2),
    ],
)
def test_layers_with_a_window_are_counted(values, windowed):
    assert derive(values)["windowed_layers"][0] == windowed


def test_without_its_sources_nothing_is_derived():
    assert derive({"hidden_size": 32}) == {}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hidden_size": 32, "num_attention_heads": 5}, "32 cannot be split evenly"),
        ({"num_layers": 3, "layer_types": ("full_attention",)}, "layer_types has 1 entries, and there are 3 layers"),
        ({"num_layers": 1, "layer_types": ("linear_attention",)}, "layer_types names 'linear_attention'"),
        ({"sparse_prediction": True}, "sparse_prediction=True"),
    ],
)
def test_what_cannot_be_counted_is_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        derive(values)
