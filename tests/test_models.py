"""What all model dialects share: refusing what cannot be counted, pinning one of several models."""

from __future__ import annotations

import subprocess
import sys

import pytest

LLAMA = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 128,
         "vocab_size": 100}  # fmt: skip


@pytest.mark.parametrize("experts", [{"num_local_experts": "???"}, {"moe": {"num_experts": 8}}, {"ffn_config": {"moe_num_experts": 4}}])
def test_experts_untold_or_in_a_node_of_their_own_are_never_counted_as_dense(read, experts):
    assert read({"model": LLAMA}).shape is not None
    reading = read({"model": {**LLAMA, **experts}})
    assert reading.shape is None
    assert "experts" in reading.unknowns[0].reason


def test_lines_that_pin_a_model_can_be_typed(read):
    reading = read({**LLAMA, "draft": LLAMA})
    assert reading.unknowns[0].remedies == ("+hydra.callbacks.scalecheck.read.model=draft",)


def test_a_model_type_that_nobody_counts_imports_no_family():
    """Importing all of them to find one took a launch 0.17 s."""
    program = (
        "import sys; from scalecheck.models import family_of_type; "
        "print(family_of_type('my_model'), family_of_type('gpt2'), sorted(name for name in sys.modules if 'architectures.' in name))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "None gpt2 ['scalecheck.architectures.gpt2']"
