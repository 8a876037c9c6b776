"""Each architecture against transformers' own models, built on torch's meta device: equal to the last digit.

See tests/oracle/README.md. The shapes are read as a ``config.json`` is read, so defaults of the config classes are tested too.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scalecheck.account import forward_flops, ledger, stored_params, totals
from scalecheck.config_file import read_config
from scalecheck.facts import Account, ModelShape, Part, Workload

ORACLE = Path(__file__).parents[1] / "oracle"
ENTRIES = {entry["id"]: entry for entry in json.loads((ORACLE / "params.json").read_text())["entries"]}
POINTS = [
    pytest.param(
        entry["id"],
        point,
        id=f"{entry['id']}-{point['seq']}-{point['dec_seq']}" if point.get("dec_seq") else f"{entry['id']}-{point['seq']}",
    )
    for entry in json.loads((ORACLE / "flops.json").read_text())["entries"]
    for point in entry["points"]
]
TABLES = {
    "embedding_input": "input_embedding",
    "embedding_output": "output_embedding",
    "position_params": "position_embedding",
    "token_type_params": "token_type_embedding",
}


@cache
def shape_of(name: str) -> ModelShape:
    hf = ENTRIES[name]["hf"]
    reading = read_config(hf["config"] | {"model_type": hf["model_type"]})
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    assert reading.unused_keys == ()
    return reading.shape


def count_entry(name: str, workload: Workload) -> Account:
    return totals(ledger(shape_of(name), workload))


def workload_of(point: dict[str, Any], attention: Any = "full") -> Workload:
    decoder = point.get("dec_seq")
    length = decoder or point.get("seq") or 1
    return Workload(sequence_length=length, source_length=point.get("seq") if decoder else None, attention=attention)


def stored(parts: tuple[Part, ...], kind: str) -> int:
    return sum(stored_params(part) or 0 for part in parts if part.kind == kind)


def test_all_measured_models_are_compared() -> None:
    assert len(ENTRIES) == 87
    assert len(POINTS) == 172
    measured = Counter(entry["hf"]["model_type"] for entry in ENTRIES.values())
    assert (len(measured), measured["gpt2"], measured["llama"]) == (45, 6, 8)


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
    account = count_entry(name, workload_of(point))
    assert account.forward_flops_per_sequence is not None
    assert account.training_flops_per_sequence is not None
    assert account.forward_flops_per_sequence * point["batch"] == point.get("fwd_routed_only", point["fwd"])
    expected = point.get("train_routed_only") or point.get("train_corrected") or point["train"]
    assert account.training_flops_per_sequence * point["batch"] == expected
    scores = sum(forward_flops(part) or 0 for part in account.parts if part.kind == "scores")
    assert scores * point["batch"] == point.get("attention_scores_fwd_full", scores)


@pytest.mark.parametrize(("name", "point"), [param for param in POINTS if "fwd_causal" in param.values[1]])
@pytest.mark.parametrize("attention", ["causal", "windowed"])
def test_causal_flops_equal_the_derived_count(name: str, point: dict[str, Any], attention: str) -> None:
    account = count_entry(name, workload_of(point, attention))
    assert account.forward_flops_per_sequence is not None
    derived = point["fwd_causal" if attention == "causal" else "fwd_causal_windowed"]
    unrouted = point["fwd"] - point.get("fwd_routed_only", point["fwd"])
    assert account.forward_flops_per_sequence * point["batch"] == derived - unrouted
