"""What pages take for granted: files of the reader's, such as runs.csv or path/to/config.json, laid beside the copy of the example."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / "tests" / "oracle" / "configs"
_BASE = """\
model: {n_layer: 12, n_head: 12, n_embd: 768, block_size: 1024, vocab_size: 50257, bias: true}
data: {batch_size: 512, seq_len: 1024}
trainer: {max_steps: 5000, devices: 1}
optim: {lr: 3e-4}
train: {lr: 3e-4}
"""
_LARGER = "model: {n_layer: 24, n_head: 16, n_embd: 1024}\n"
_SWEEP = "defaults: [train, _self_]\n"
_OPTION = "# @package _global_\nseed: {seed}\n"
_SCRIPT = """\
import hydra


@hydra.main(version_base="1.3", config_path="../conf", config_name="sweep")
def main(config):
    raise SystemExit("a plan starts nothing")


if __name__ == "__main__":
    main()
"""


def _text(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return write


def runs(unit: float = 1.0) -> str:
    """Return 35 runs of L = 1.7 + 400/N^0.34 + 410/D^0.28, each with noise of 0.2 % that is always the same, as a table."""
    sizes = [(size, size * ratio) for size in (2e7, 6e7, 2e8, 6e8, 2e9) for ratio in (4, 15, 60, 250)]
    for flops in (1e18, 1e19, 1e20):
        middle = (flops / 120) ** 0.5
        sizes += [(middle * off, flops / 6 / (middle * off)) for off in (0.5, 0.7, 1, 1.4, 2)]
    noise = random.Random(0)
    rows = [f"{n:.0f},{d / unit:.8g},{(1.7 + 400 / n**0.34 + 410 / d**0.28) * noise.gauss(1, 0.002):.4f}" for n, d in sizes]
    return "\n".join(["params,tokens,loss", *rows, ""])


def _report(path: Path) -> None:
    from scalecheck.cli import main

    assert main(["check", "--config-name", "train", "model=tiny,small", "--exit-zero", "--output", f"json:{path}"]) == 0


def _link(path: Path) -> None:
    path.symlink_to(sys.prefix, target_is_directory=True)


def _copy(source: Path) -> Callable[[Path], None]:
    return lambda path: shutil.copyfile(source, path) and None


FILES: dict[str, Callable[[Path], None]] = {
    "path/to/config.json": _copy(ORACLE / "llama-3-8b.json"),
    "tests/oracle/configs/deepseek-v3.json": _copy(ORACLE / "deepseek-v3.json"),
    "base.yaml": _text(_BASE),
    "run.yaml": _text(_LARGER),
    "large.yaml": _text(_LARGER),
    "runs.csv": _text(runs()),
    "report.json": _report,
    "base.json": _report,
    "head.json": _report,
    "pkg.train": lambda path: _script(path.parent),
    "experiment=a,b": lambda path: _options(path.parent),
    ".venv/bin/python": lambda path: _link(path.parent.parent),
}
"""What a page may name, and how it is made; the key is what stands on the page, and most often the path too."""
OF_PAGES: dict[tuple[str, str], Callable[[Path], None]] = {("docs/reference/cli/fit.md", "runs.csv"): _text(runs(1e9))}
"""The same name with other content on one page: tokens told in billions."""


def _script(root: Path) -> None:
    (root / "pkg").mkdir()
    (root / "pkg" / "__init__.py").touch()
    (root / "pkg" / "train.py").write_text(_SCRIPT)
    (root / "conf" / "sweep.yaml").write_text(_SWEEP)


def _options(root: Path) -> None:
    for number, name in enumerate("ab"):
        (root / "conf" / "experiment" / f"{name}.yaml").write_text(_OPTION.format(seed=number))


def lay(page: str, text: str, root: Path) -> None:
    """Lay what a page names, and no more, into the directory that its commands run in, which is the working directory."""
    for name, made in FILES.items():
        if name in text:
            path = root / name
            if os.sep in name and name != ".venv/bin/python":
                path.parent.mkdir(parents=True, exist_ok=True)
            OF_PAGES.get((page, name), made)(path)
