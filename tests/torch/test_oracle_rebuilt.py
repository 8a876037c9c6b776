"""Models of the oracle built anew from transformers on the meta device, and counted again: the oracle holds, and so do we."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from scalecheck.account import ledger, totals
from scalecheck.config_file import read_config
from scalecheck.facts import Account, Workload
from scalecheck.module_count import count_module

ENTRIES = {entry["id"]: entry for entry in json.loads((Path(__file__).parents[1] / "oracle" / "params.json").read_text())["entries"]}
AUTO = {
    "causal_lm": transformers.AutoModelForCausalLM,
    "masked_lm": transformers.AutoModelForMaskedLM,
    "seq2seq_lm": transformers.AutoModelForSeq2SeqLM,
    "speech_seq2seq": transformers.AutoModelForSpeechSeq2Seq,
    "image_cls": transformers.AutoModelForImageClassification,
}
REBUILT = (
    "gpt2", "Llama-3.1-405B", "Mistral-7B-v0.1", "gemma-2-2b", "falcon-7b", "opt-125m", "pythia-70m", "bloom-560m", "stablelm-3b-4e1t",
    "Mixtral-8x7B-v0.1", "Qwen1.5-MoE-A2.7B", "DeepSeek-V2-Lite", "Moonlight-16B-A3B", "gpt-oss-20b", "Llama-4-Scout-text",
    "bert-base-uncased", "ModernBERT-base", "deberta-v3-base", "t5-small", "bart-base", "whisper-tiny", "vit-base-patch16-224",
    "mamba-130m", "mamba2-130m",
)  # fmt: skip
TOKENS = 64


def built(name: str) -> torch.nn.Module:
    hf = ENTRIES[name]["hf"]
    with torch.device("meta"):
        return AUTO[hf["auto"]].from_config(transformers.AutoConfig.for_model(hf["model_type"], **hf["config"]))


def counted(name: str) -> Account:
    hf = ENTRIES[name]["hf"]
    shape = read_config(hf["config"] | {"model_type": hf["model_type"]}).shape
    assert shape is not None
    return totals(ledger(shape, Workload(sequence_length=TOKENS)))


@pytest.mark.parametrize("name", REBUILT)
def test_params_equal_the_built_model(name: str) -> None:
    parameters = list(built(name).parameters())
    account = counted(name)
    assert account.total_params == sum(parameter.numel() for parameter in parameters)
    assert account.trainable_params == sum(parameter.numel() for parameter in parameters if parameter.requires_grad)


@pytest.mark.parametrize(
    "name", ["gpt2", "Mistral-7B-v0.1", "gemma-2-2b", "falcon-7b", "pythia-70m", "Mixtral-8x7B-v0.1", "DeepSeek-V2-Lite"]
)
def test_forward_flops_equal_the_counter(name: str) -> None:
    """As count: instantiate counts them; the experts by transformers' batched products, which do what a token needs."""
    module = count_module(built(name), name, TOKENS)
    assert module.flops_because == ""
    assert counted(name).forward_flops_per_sequence == module.forward_flops_per_sequence


def test_an_image_model_equals_the_counter() -> None:
    model, counter = built("vit-base-patch16-224").eval(), FlopCounterMode(display=False)
    inputs: dict[str, Any] = {"pixel_values": torch.empty(1, 3, 224, 224, device="meta")}
    with counter, torch.no_grad():
        model(**inputs)
    assert counter.get_total_flops() == counted("vit-base-patch16-224").forward_flops_per_sequence
