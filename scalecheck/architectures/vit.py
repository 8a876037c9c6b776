"""Vision Transformer (Dosovitskiy et al. 2021, arXiv 2010.11929), as in transformers' ``ViTForImageClassification``.

A pre-norm encoder over the patches of an image and one class token, from which a linear layer tells the label. How many
tokens it sees follows from the image, so the sequence length of a run does not enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scalecheck.attention import Heads, attention
from scalecheck.errors import ConfigError
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, count, entries, even_head_dim, size, switch
from scalecheck.parts import convolution, embedding, layernorm, linear, mlp, repeat, without_input_gradient
from scalecheck.values import dataclass

MODEL_TYPES = ("vit",)
HEADS = ("image_classification",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """ViT's own sizes; images and patches are square. ``num_labels=0`` leaves the classifier out."""

    family: str = "vit"
    vocab_size: int | None = None
    num_attention_heads: int
    head_dim: int
    intermediate_size: int
    image_size: int
    patch_size: int
    num_channels: int = 3
    qkv_bias: bool = True
    num_labels: int = 2  # what PreTrainedConfig takes where a config tells nothing of labels
    head: Head = "image_classification"


# num_labels wins over the length of id2label, as in PreTrainedConfig; files on the Hub have the latter only.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "num_attention_heads": size("num_attention_heads"),
    "head_dim": size("head_dim"),
    "intermediate_size": size("intermediate_size"),
    "image_size": size("image_size"),
    "patch_size": size("patch_size"),
    "num_channels": size("num_channels"),
    "qkv_bias": switch("qkv_bias"),
    "num_labels": count("num_labels"),
    "id2label": entries("id2label"),
}

# transformers 5.23.0, ViTConfig: the base model, patches of 16 x 16.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 12,
    "hidden_size": 768,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "image_size": 224,
    "patch_size": 16,
    "num_channels": 3,
    "qkv_bias": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the head width and the number of labels where they follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: no head_dim is given and the heads do not divide the width, or a patch is larger than the image.
    """
    derived: Derived = {}
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if values.get("head_dim") is None and hidden_size is not None and num_heads is not None:
        derived["head_dim"] = (even_head_dim(hidden_size, num_heads), f"hidden_size {hidden_size} / num_attention_heads {num_heads}")
    image_size, patch_size = values.get("image_size"), values.get("patch_size")
    if image_size is not None and patch_size is not None and patch_size > image_size:
        message = f"patch_size={patch_size} is larger than image_size={image_size}: no patch fits into the image"
        raise ConfigError(message)
    if values.get("num_labels") is None and values.get("id2label") is not None:
        derived["num_labels"] = (values["id2label"], f"id2label lists {values['id2label']}")
    return derived


def own_length(shape: Shape) -> int:
    """Return the tokens of one image: its whole patches, and the class token."""
    return _patches(shape) + 1


def _patches(shape: Shape) -> int:
    per_side: int = shape.image_size // shape.patch_size
    return per_side * per_side


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: patches, class token and positions, the layers, the last norm, the classifier of one token."""
    width, tokens = shape.hidden_size, own_length(shape)
    patch = convolution("patch_embedding", (shape.num_channels, width), shape.patch_size**2, outputs=_patches(shape), bias=True)
    yield from without_input_gradient(patch)
    yield Part(name="class_token", kind="other", params=width)
    yield embedding("position_embedding", tokens, width, kind="position_embedding")
    yield from repeat(_layer(shape, replace(workload, sequence_length=tokens)), shape.num_layers)
    yield layernorm("final_norm", width)
    if shape.num_labels:
        yield from linear("classifier", width, shape.num_labels, tokens=1, bias=True)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    heads = Heads(
        hidden_size=shape.hidden_size,
        num_heads=shape.num_attention_heads,
        num_key_value_heads=shape.num_attention_heads,
        head_dim=shape.head_dim,
        qkv_bias=shape.qkv_bias,
        output_bias=True,
    )
    yield layernorm("attention_norm", shape.hidden_size)
    yield from attention(heads, workload, causal=False)
    yield layernorm("mlp_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)
