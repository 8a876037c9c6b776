"""What the hand-written pages say of the tree is true: links, make targets, modules, names, and the policy that one copies."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scalecheck.policy import READ_NAMES

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
MODULES = sorted(path.name for path in (ROOT / "scalecheck").glob("[!_]*") if path.suffix == ".py" or (path / "__init__.py").exists())


def test_there_are_pages():
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "architecture.md", "decisions.md", "glossary.md"} <= {
        page.name for page in PAGES
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_make_targets_exist(page):
    text = page.read_text()
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    assert [link for link in links if not (page.parent / link).exists()] == []
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    named = re.findall(r"(?:`|^    )make ([a-z-]+)", text, flags=re.MULTILINE)
    assert set(named) <= set(targets)


@pytest.mark.parametrize("name", MODULES)
def test_architecture_page_names_every_module_and_folder(name):
    assert re.search(rf"\b{re.escape(name.removesuffix('.py'))}\b", (ROOT / "docs" / "architecture.md").read_text())


def test_glossary_explains_every_name_of_the_read_mapping():
    words = set(re.findall(r"\w+", (ROOT / "docs" / "glossary.md").read_text()))
    assert [name for name in READ_NAMES if name not in words] == []


def test_decisions_are_dated_and_the_newest_is_first():
    dates = re.findall(r"^## (\S+) · \S", (ROOT / "docs" / "decisions.md").read_text(), flags=re.MULTILINE)
    assert len(dates) == len(re.findall(r"^## ", (ROOT / "docs" / "decisions.md").read_text(), flags=re.MULTILINE)) > 10
    assert dates == sorted(dates, reverse=True)


def test_policy_of_the_readme_works_when_copied(tmp_path):
    """A package header that is not the first line, or has a word behind it, loses the budget without a sound."""
    blocks = [block.split("```")[0] for block in (ROOT / "README.md").read_text().split("```yaml\n")[1:]]
    (policy,) = [block for block in blocks if "over_budget" in block]
    (tmp_path / "scalecheck").mkdir()
    (tmp_path / "scalecheck" / "ours.yaml").write_text(policy)
    (tmp_path / "train.yaml").write_text(
        "defaults: [{scalecheck: ours}, _self_]\n"
        "model: {n_layer: 96, n_embd: 12288, n_head: 96, n_positions: 2048, vocab_size: 50257}\n"
        "trainer: {max_steps: 95000, devices: 1}\n"
        "data: {batch_size: 1536, seq_len: 2048}\n"
    )
    command = [sys.executable, "-m", "scalecheck.cli", "check", "--config-dir", tmp_path, "--config-name", "train", "--format", "json"]
    clean = {key: value for key, value in os.environ.items() if key != "WORLD_SIZE"} | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    (job,) = json.loads(done.stdout)["jobs"]
    assert "over_budget" in {finding["rule"] for finding in job["findings"]}
    assert job["tokens_per_step"] == 1536 * 2048
    assert "data.batch_size * data.seq_len" in job["origins"]["tokens_per_step"]["because"], "its read mapping is in force"
