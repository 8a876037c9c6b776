"""What the plugin and a passing check add to the start of a small Hydra app, in CPU time of whole processes.

``python benchmarks/launch.py`` makes two virtual environments, one with hydra-core alone and one with scalecheck besides (pip install,
not editable), and the same small app with and without its line, in a temporary directory. It exits with 0 when it could measure; whether
the goals are met stands in the table.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from side_by_side import COLUMNS, LINE, Spent, Way, base_row, machine, made_app, made_environment, measured, row

GOALS = {"installed": 1.02, "checked": 1.10}
RUNS = 21
TRAIN = """defaults:
  - model: small
  - trainer: default
  - _self_
{line}data: {{batch_size: 32, seq_len: 1024}}
seed: 1
"""
FILES = {
    "conf/model/small.yaml": "{n_layer: 2, n_embd: 64, n_head: 2, block_size: 1024, vocab_size: 512, bias: true}\n",
    "conf/trainer/default.yaml": "max_steps: 84\ndevices: 1\n",
}


def ways(folder: Path) -> list[Way]:
    """Make environments and apps in ``folder``; return what is measured."""
    without, installed = (made_environment(folder / name, with_project=name == "installed") for name in ("without", "installed"))
    plain = made_app(folder / "plain", FILES | {"conf/train.yaml": TRAIN.format(line="")})
    checked = made_app(folder / "checked", FILES | {"conf/train.yaml": TRAIN.format(line=LINE)})
    made = [
        Way(name="without", command=(str(without), "train.py"), folder=plain),
        Way(name="installed", command=(str(installed), "train.py"), folder=plain),
        Way(name="checked", command=(str(installed), "train.py"), folder=checked),
    ]
    if importlib.util.find_spec("torch") is not None:
        made.append(Way(name="torch", command=(sys.executable, "-c", "import torch"), folder=folder))
    return made


def lines(spent: dict[str, list[Spent]]) -> list[str]:
    """Return the table, and what the check is of a launch that imports torch where torch is here."""
    told = [
        base_row("hydra-core alone", spent["without"]),
        row("(a) scalecheck installed, not enabled, over hydra-core alone", spent["without"], spent["installed"], GOALS["installed"]),
        row("(b) a passing check, over installed and not enabled", spent["installed"], spent["checked"], GOALS["checked"]),
    ]
    if "torch" in spent:
        pairs = zip(spent["checked"], spent["installed"], strict=True)
        extra = statistics.median(checked.cpu - installed.cpu for checked, installed in pairs)
        torch = statistics.median(one.cpu for one in spent["torch"])
        whole = statistics.median(one.cpu for one in spent["installed"]) + torch
        told += ["", f"`import torch` alone takes {torch:.2f} s of CPU: the check adds {extra / whole:.1%} to such a launch."]
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns 2 where an environment or a run failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"rounds that are measured (default {RUNS})")
    parser.add_argument("--folder", type=Path, help="make the environments and apps here and keep them (default: a temporary directory)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        try:
            spent = measured(ways((options.folder or Path(temporary)).resolve()), max(options.runs, 1))
        except (subprocess.CalledProcessError, RuntimeError, OSError) as failure:
            print(f"benchmarks/launch.py: error: {failure}", file=sys.stderr)
            return 2
    print(f"{machine()}\n\n{COLUMNS}")
    print("\n".join(lines(spent)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
