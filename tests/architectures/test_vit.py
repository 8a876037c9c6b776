import pytest

from scalecheck.account import ledger, totals
from scalecheck.architectures.vit import own_length
from scalecheck.config_file import read_config
from scalecheck.facts import Workload

SMALL = {
    "model_type": "vit",
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "image_size": 28,
    "patch_size": 5,
}


def shape(**changes):
    reading = read_config(SMALL | changes)
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def account(tokens=1, attention="full", **changes):
    return totals(ledger(shape(**changes), Workload(sequence_length=tokens, attention=attention)))


def test_the_paper_s_large_model_has_304_million_params():
    """ViT-L/16 (Dosovitskiy et al. 2021, table 1: 307M), with 1000 labels 304,326,632."""
    large = {"num_hidden_layers": 24, "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096}
    assert account(**large, image_size=224, patch_size=16, num_labels=1000).total_params == 304_326_632


def test_params_and_flops_equal_the_closed_form():
    """25 whole patches of 5 x 5 x 3 and a class token; the image needs no gradient, the classifier reads one token."""
    layer = 4 * 32 * 32 + 2 * 32 * 48
    counted, patch = account(), 75 * 32
    assert counted.total_params == patch + 32 + 32 + 26 * 32 + 2 * (layer + 5 * 32 + 48 + 4 * 32) + 64 + 32 * 2 + 2
    forward = 2 * 25 * patch + 2 * 26 * 2 * layer + 2 * 4 * 26 * 26 * 32 + 2 * 32 * 2
    assert counted.forward_flops_per_sequence == forward
    assert counted.training_flops_per_sequence == 3 * forward - 2 * 25 * patch


@pytest.mark.parametrize(("image_size", "patch_size", "length"), [(224, 16, 197), (224, 14, 257), (28, 5, 26), (5, 5, 2)])
def test_length_follows_from_the_image(image_size, patch_size, length):
    assert own_length(shape(image_size=image_size, patch_size=patch_size)) == length


def test_the_run_s_sequence_length_and_convention_do_not_enter():
    assert account(4096, "causal") == account()


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({}, 2),
        ({"id2label": {"0": "cat", "1": "dog", "2": "owl"}}, 3),
        ({"num_labels": 7}, 7),
        ({"num_labels": 7, "id2label": {"0": "cat"}}, 7),
    ],
)
def test_labels_are_counted_as_the_config_class_counts_them(changes, labels):
    reading = read_config(SMALL | changes)
    assert reading.shape.num_labels == labels
    assert reading.origins["num_labels"].assumed == (not changes)


def test_without_labels_there_is_no_classifier():
    assert account(num_labels=0).total_params == account().total_params - 2 * 33


def test_qkv_bias_is_on_three_of_four_projections():
    assert account(qkv_bias=False).total_params == account().total_params - 2 * 3 * 32


def test_a_head_dim_of_its_own_is_read():
    """Measured with transformers 5.23.0."""
    assert account(head_dim=20).total_params == 31_010


def test_channels_are_part_of_a_patch():
    assert account(num_channels=1).total_params == account().total_params - 2 * 25 * 32


def test_what_masks_or_decodes_images_has_no_effect_on_the_classifier():
    assert shape(encoder_stride=5, pooler_output_size=9) == shape()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"num_attention_heads": 5}, "num_attention_heads 5"), ({"patch_size": 30}, "patch_size=30 is larger than image_size=28")],
)
def test_what_cannot_be_built_is_refused(changes, said):
    reading = read_config(SMALL | changes)
    assert reading.shape is None
    assert said in reading.impossible[0].reason


def test_masked_image_modeling_is_another_head():
    assert read_config(SMALL | {"architectures": ["ViTForMaskedImageModeling"]}).shape is None
