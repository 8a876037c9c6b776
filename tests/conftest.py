"""Shared by all tests: a view over a plain dict, and real Hydra apps in temporary directories, run in a process of their own."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from scalecheck.extract import extract
from scalecheck.facts import Reading, Unreadable

PREFIX = "hydra.callbacks.scalecheck"
TRAIN = """
import hydra
from pathlib import Path

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    with open(Path(__file__).parent / "ran.txt", "a") as f:
        f.write("ran\\n")
    print("TRAINED")

if __name__ == "__main__":
    main()
"""
FILES = {
    "conf/train.yaml": """
        defaults:
          - model: small
          - trainer: default
          - _self_
          - scalecheck: default
        data: {batch_size: 32, seq_len: 1024}
        seed: 1
        """,
    "conf/model/small.yaml": "{n_layer: 2, n_embd: 64, n_head: 2, block_size: 1024, vocab_size: 512, bias: true}",
    "conf/model/large.yaml": "{n_layer: 12, n_embd: 768, n_head: 12, block_size: 1024, vocab_size: 50304, bias: true}",
    "conf/trainer/default.yaml": """
        # steps of the run
        max_steps: 84
        devices: 1
        """,
    "conf/experiment/short.yaml": """
        # @package _global_
        trainer: {max_steps: 5}
        """,
}


class DictView:
    """A ``facts.View`` over a nested dict; a value of ``"???"`` is unreadable."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self._read: set[str] = set()

    def get(self, key: str) -> Any:
        self._read.add(key)
        node: Any = self.config
        for step in key.split(".") if key else ():
            if not isinstance(node, dict) or step not in node:
                return None
            node = node[step]
        return Unreadable(reason="it is ???") if node == "???" else node

    def keys(self, key: str) -> tuple[str, ...]:
        node: Any = self.config
        for step in key.split(".") if key else ():
            node = node.get(step) if isinstance(node, dict) else None
        return tuple(str(name) for name in node) if isinstance(node, dict) else ()

    def runs_code(self, key: str) -> bool:
        return False

    @property
    def read_keys(self) -> frozenset[str]:
        return frozenset(self._read)


@pytest.fixture
def view_of():
    return DictView


@pytest.fixture
def read():
    """``read(config, **mapping)`` is stage 1 on a dict."""

    def reading(
        config: dict[str, Any], *, environ: dict[str, str] | None = None, assume: dict[str, Any] | None = None, **mapping: Any
    ) -> Reading:
        return extract(DictView(config), mapping, assume or {}, environ or {}, PREFIX)

    return reading


@dataclass
class App:
    """A training repo on disk."""

    root: Path

    def write(self, files: dict[str, str]) -> None:
        """Write files of the repo, dedented."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"))

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the training script."""
        return self.spawn(sys.executable, "train.py", *arguments, env=env)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``scalecheck …`` in the repo."""
        return self.spawn(sys.executable, "-m", "scalecheck.cli", *arguments)

    def spawn(self, *command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in the repo, without this process's distributed environment and without hydra-core 1.4's deprecation warnings."""
        distributed = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "SLURM_PROCID", "SLURM_NTASKS")
        clean = (
            {key: value for key, value in os.environ.items() if key not in distributed}
            | {"NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
            | (env or {})
        )
        return subprocess.run(command, cwd=self.root, env=clean, capture_output=True, text=True, timeout=120, check=False)

    @property
    def trained(self) -> int:
        """How many times the task function ran."""
        ran = self.root / "ran.txt"
        return len(ran.read_text().splitlines()) if ran.exists() else 0

    @property
    def left_on_disk(self) -> set[str]:
        """Directories that a launch left behind."""
        return {path.name for path in self.root.iterdir()} & {"outputs", "multirun", "ran.txt"}


@pytest.fixture
def app(tmp_path: Path) -> App:
    """A small repo that is near compute-optimal as it stands: N 165k, 84 steps x 32 x 1024 tokens."""
    made = App(tmp_path)
    made.write({"train.py": TRAIN} | FILES)
    return made


def drawn_texts(picture: Any, size: Any) -> tuple[list[tuple[str, Any]], Any]:
    """Draw a picture; return its visible texts with their boxes as the renderer measures them, and the figure's box."""
    from scalecheck.drawing import canvas

    kept: list[tuple[str, Any]] = []

    def draw(made: Any) -> None:
        picture.draw(made)
        figure = made.figure
        figure.draw_without_rendering()
        hidden = _hidden_ticks(figure)
        for text in figure.findobj(match=lambda artist: artist.__class__.__name__ in ("Text", "Annotation")):
            if text.get_text().strip() and text.get_visible() and text not in hidden:
                kept.append((text.get_text(), text.get_window_extent()))
        kept.append(("", figure.bbox.frozen()))

    canvas.png_of(draw, size, pixels_per_unit=1)
    return kept[:-1], kept[-1][1]


def _hidden_ticks(figure: Any) -> set[Any]:
    """Return the words of ticks that are not drawn: those beyond the limits, and those beside another panel."""
    hidden: set[Any] = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        shown = list(axis._update_ticks()) if axis.axes.axison else []
        ticks = {*axis.get_major_ticks(), *axis.get_minor_ticks(), *shown}
        hidden |= {label for tick in ticks for label in (tick.label1, tick.label2) if tick not in shown}
    return hidden


def assert_texts_are_apart(picture: Any, size: Any, more_than: int) -> None:
    """Find more texts than so many, none of which lies on another or leaves the figure."""
    texts, figure = drawn_texts(picture, size)
    assert len(texts) > more_than
    for (words, one), (others, other) in itertools.combinations(texts, 2):
        assert not one.padded(-0.5).overlaps(other.padded(-0.5)), f"{words!r} lies on {others!r}"
    for words, box in texts:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.width + 1 and box.y1 <= figure.height + 1, words


@pytest.fixture(scope="session")
def texts() -> SimpleNamespace:
    """What is written in a picture: ``texts.drawn(picture, size)``, ``texts.assert_apart(picture, size, more_than)``."""
    return SimpleNamespace(drawn=drawn_texts, assert_apart=assert_texts_are_apart)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start what installs the project first: at the end one process would wait for it and the others for that one."""
    items.sort(key=lambda item: "packaging" not in item.keywords)
