"""Each architecture against transformers' own models, built on torch's meta device: equal to the last digit.

See tests/oracle/README.md. A family joins as soon as its ``MODEL_TYPES`` name a measured model.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from scalecheck import registry
from scalecheck.account import forward_flops, ledger, stored_params, totals
from scalecheck.facts import Account, ModelShape, Part, Workload

ORACLE = Path(__file__).parents[1] / "oracle"
FAMILIES = {model_type: module for module in registry.load_all("architectures") for model_type in module.MODEL_TYPES}
ENTRIES = {
    entry["id"]: entry for entry in json.loads((ORACLE / "params.json").read_text())["entries"] if entry["hf"]["model_type"] in FAMILIES
}
POINTS = [
    pytest.param(entry["id"], point, id=f"{entry['id']}-{point['seq']}")
    for entry in json.loads((ORACLE / "flops.json").read_text())["entries"]
    if entry["id"] in ENTRIES
    for point in entry["points"]
]
TABLES = {
    "embedding_input": "input_embedding",
    "embedding_output": "output_embedding",
    "position_params": "position_embedding",
    "token_type_params": "token_type_embedding",
}


def build_shape(hf: dict[str, Any]) -> ModelShape:
    """Read an entry's Hugging Face config as the tool does: its keys, else the class's defaults, else what follows from them."""
    family = FAMILIES[hf["model_type"]]
    values = dict(family.CLASS_DEFAULTS)
    for field, spellings in family.KEYS.items():
        for key in spellings:
            if hf["config"].get(key) is not None:
                values[field] = hf["config"][key]
    values |= {field: value for field, (value, _because) in family.derive(values).items()}
    return family.Shape(**values)


def count_entry(name: str, workload: Workload) -> Account:
    return totals(ledger(build_shape(ENTRIES[name]["hf"]), workload))


def stored(parts: tuple[Part, ...], kind: str) -> int:
    return sum(stored_params(part) or 0 for part in parts if part.kind == kind)


def test_every_measured_gpt2_and_llama_is_compared() -> None:
    measured = [entry["hf"]["model_type"] for entry in ENTRIES.values()]
    assert measured.count("gpt2") == 6
    assert measured.count("llama") == 8
    assert len(POINTS) >= 2 * len(ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
def test_params_equal_the_built_model(name: str) -> None:
    expected = ENTRIES[name]["counts"]
    account = count_entry(name, Workload(sequence_length=2048))
    assert account.total_params == expected["total"]
    assert account.trainable_params == expected["trainable"]
    assert account.active_params == expected["active_per_token"]
    assert account.non_embedding_params == expected["non_embedding"]
    assert account.embedding_params == expected["total"] - expected["non_embedding"]
    assert {key: stored(account.parts, kind) for key, kind in TABLES.items()} == {key: expected[key] for key in TABLES}


@pytest.mark.parametrize(("name", "point"), POINTS)
def test_flops_equal_the_counter(name: str, point: dict[str, Any]) -> None:
    account = count_entry(name, Workload(sequence_length=point["seq"]))
    assert account.forward_flops_per_sequence is not None
    assert account.training_flops_per_sequence is not None
    assert account.forward_flops_per_sequence * point["batch"] == point["fwd"]
    assert account.training_flops_per_sequence * point["batch"] == point["train"]
    scores = sum(forward_flops(part) or 0 for part in account.parts if part.kind == "scores")
    assert scores * point["batch"] == point["attention_scores_fwd_full"]


@pytest.mark.parametrize(("name", "point"), POINTS)
def test_causal_flops_equal_the_derived_count(name: str, point: dict[str, Any]) -> None:
    account = count_entry(name, Workload(sequence_length=point["seq"], attention="causal"))
    assert account.forward_flops_per_sequence is not None
    assert account.forward_flops_per_sequence * point["batch"] == point["fwd_causal"]
