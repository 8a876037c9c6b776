"""docs/accounting.md is what the code says; the configs on disk that it and the benchmark use are counted as the README beside them tells."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from scalecheck import registry
from scalecheck.account import ledger, totals
from scalecheck.config_file import read_config, read_config_file
from scalecheck.facts import Workload

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "tests" / "oracle" / "configs"
BENCHMARK = ROOT / "benchmarks" / "counting.py"
FILES = sorted(CONFIGS.glob("*.json"))


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def generator() -> ModuleType:
    return loaded(ROOT / "docs" / "generate_accounting.py")


def test_page_is_what_the_generator_writes() -> None:
    assert (ROOT / "docs" / "accounting.md").read_text(encoding="utf-8") == generator().page(), "the page is stale: make docs"


def test_page_names_every_family_and_its_model_types() -> None:
    page = generator().page()
    for module in registry.load_all("architectures"):
        name = module.__name__.rpartition(".")[2]
        row = next(line for line in page.splitlines() if line.startswith(f"| [{name}]"))
        assert all(f"`{model_type}`" in row for model_type in module.MODEL_TYPES)


def test_page_says_how_far_6nd_is_off() -> None:
    """The two figures that the deviations are known for: GPT-2 at 1,024 tokens, and DeepSeek-V3 with all experts counted."""
    (row,) = [line for line in generator().page().splitlines() if line.startswith("| `6n_total` | 7.466e+08")]
    assert "(-12.6 %)" in row
    assert "(+1332.0 %)" in row


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_config_on_disk_is_counted_as_the_readme_says(path: Path) -> None:
    row = re.search(rf"^\| `{re.escape(path.name)}` \| `(\w+)` \| ([\d,]+) \|$", (CONFIGS / "README.md").read_text(), flags=re.MULTILINE)
    assert row, "it has no row in the README"
    config = json.loads(path.read_text())
    assert config["architectures"] == [row[1]]
    reading = read_config_file(path)
    further = ("num_nextn_predict_layers",) if config["model_type"] == "deepseek_v3" else ()
    assert (reading.unknowns, reading.impossible, reading.unused_keys) == ((), (), further)
    assert reading.shape is not None
    assert totals(ledger(reading.shape, Workload(sequence_length=1))).total_params == int(row[2].replace(",", ""))
    assert [name for name, origin in reading.origins.items() if origin.assumed] == [], "every key stands in the file, so nothing is assumed"


def test_readme_has_a_row_for_each_file_and_no_other() -> None:
    assert re.findall(r"^\| `([^`]+\.json)`", (CONFIGS / "README.md").read_text(), flags=re.MULTILINE) == [path.name for path in FILES]
    assert len(FILES) >= 14


def test_config_without_a_size_is_not_the_same_model() -> None:
    """The check above would pass for any file if the reader filled in what is missing from elsewhere."""
    config = json.loads((CONFIGS / "llama-3-8b.json").read_text())
    del config["num_key_value_heads"]
    shape = read_config(config).shape
    assert shape is not None
    assert totals(ledger(shape, Workload(sequence_length=1))).total_params == 8_030_261_248 + 32 * 2 * 4096 * (4096 - 1024)


def test_benchmark_without_its_libraries_is_one_sentence() -> None:
    bare = [sys.executable, "-I", "-S", BENCHMARK]  # no installed package is seen
    done = subprocess.run(bare, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "benchmarks/counting.py: error: torch, transformers, accelerate, calflops is not installed here; `make benchmark` installs it.\n"
    )


@pytest.mark.parametrize(
    ("name", "told"), [("gpt2", [124_439_808, 874_944_921_600]), ("deepseek-v3", [671_026_404_352, 512_921_369_051_136])]
)
def test_benchmark_measures_what_is_counted(name: str, told: list[int]) -> None:
    """N and C are those of the modules, as FlopCounterMode counts them: 3 x the forward pass of one sequence."""
    command = [sys.executable, BENCHMARK, "--child", "scalecheck", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    measured = json.loads(done.stdout)
    assert measured["told"] == told
    assert 0 < min(measured["again"]) <= measured["first"] < 60


def test_benchmark_shows_a_crash_as_a_row_and_errors_against_the_counter() -> None:
    module = loaded(BENCHMARK)
    run = {"first": 2.0, "again": [0.5, 0.25], "told": [200, 400], "wall": 3.0}
    results = {(way, name): [run] for name in module.MODELS for way in module.WAYS}
    results["scalecheck", "gpt2"] = [{"first": 0.001, "again": [0.0001, 0.0001], "told": [200, 404], "wall": 0.03}]
    results["calflops", "gpt2"] = [{"crash": "MemoryError: a | b"}]
    results["meta device", "gpt2"] = [run | {"told": [150, None]}]
    found = [line for line in module.rows(results) if line.startswith("| gpt2 |")]
    assert found == [
        "| gpt2 | scalecheck | 1.0 ms / 1.0 ms | 100 us / 100 us | 1, 1 | 0.03 s | 0 | +1.00% |",
        "| gpt2 | meta device | 2.00 s / 2.00 s | 250.0 ms / 375.0 ms | 2,000, 3,750 | 3.00 s | -25.00% | not told |",
        "| gpt2 | meta device + FlopCounterMode | 2.00 s / 2.00 s | 250.0 ms / 375.0 ms | 2,000, 3,750 | 3.00 s | 0 | 0 |",
        "| gpt2 | accelerate (init_empty_weights) | 2.00 s / 2.00 s | 250.0 ms / 375.0 ms | 2,000, 3,750 | 3.00 s | 0 | 0 |",
        "| gpt2 | calflops | crash: MemoryError: a   b | | | | | |",
    ]
