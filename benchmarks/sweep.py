"""What a passing check adds to a sweep of a config of 12 groups with 32 keys each, in CPU time of whole processes, and what it is made of.

``python benchmarks/sweep.py`` makes a virtual environment with scalecheck (pip install, not editable) and the same app with and without
its line, in a temporary directory, and sweeps a task that does nothing with Hydra's basic launcher: over values only, over one group and
values, and over groups only, where no two jobs have the same files. Then, in one process: the check alone of each composed job, and
composing it by Hydra and by ``scalecheck.sweep_jobs``. It exits with 0 when it could measure; whether the goals are met stands in the
table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from side_by_side import COLUMNS, LINE, Way, base_row, environ, machine, made_app, made_environment, measured, row, spread

GOAL, GOAL_CHECK_MS = 1.15, 2.0
RUNS, JOBS, KEYS = 3, 200, 32
COMPOSED = 60
"""Of a sweep so many jobs are composed and checked in one process."""
GROUPS = (
    "model",
    "trainer",
    "data",
    "optimizer",
    "scheduler",
    "logger",
    "paths",
    "extras",
    "augmentation",
    "evaluation",
    "saving",
    "debugging",
)
OWN = {
    "model": {"n_layer": "2", "n_embd": "64", "n_head": "2", "block_size": "1024", "vocab_size": "512", "bias": "true"},
    "trainer": {"max_steps": "84", "devices": "1"},
    "data": {"batch_size": "32", "seq_len": "1024"},
}


def divisors(jobs: int) -> list[int]:
    """Return the prime factors of a number, the largest first: how many options each swept group has."""
    found, factor = [], 2
    while factor * factor <= jobs:
        while jobs % factor == 0:
            found.append(factor)
            jobs //= factor
        factor += 1
    return sorted([*found, jobs] if jobs > 1 else found, reverse=True)


def swept(jobs: int) -> dict[str, list[tuple[str, int]]]:
    """Return, per kind of sweep, what is swept over how many values."""
    counts = divisors(jobs)
    by_groups = list(zip(GROUPS[::-1], counts, strict=False))
    return {
        "values only": [("seed", jobs)],
        "one group x values": [(GROUPS[3], counts[0] if counts else 1), ("seed", jobs // (counts[0] if counts else 1))],
        "groups only": by_groups or [("seed", 1)],
    }


def arguments_of(kind: Sequence[tuple[str, int]]) -> list[str]:
    """Return what is typed after ``-m``."""
    return [f"{name}=range(0,{count})" if name == "seed" else f"{name}={','.join(_options(count))}" for name, count in kind]


def _options(count: int) -> list[str]:
    return [f"option_{number}" for number in range(count)]


def files(jobs: int, line: str) -> dict[str, str]:
    """Return the config: as many options of a group as any sweep needs, of equal scale."""
    wanted = dict.fromkeys(GROUPS, 1)
    for kind in swept(jobs).values():
        wanted |= {name: max(count, wanted[name]) for name, count in kind if name in wanted}
    made = {
        "conf/train.yaml": "defaults:\n" + "".join(f"  - {group}: option_0\n" for group in GROUPS) + f"  - _self_\n{line}seed: 1\n",
    }
    for group, count in wanted.items():
        for number, option in enumerate(_options(count)):
            # A word that GPT-2 does not know, or a number in a key that it does not have, would make its N unknown.
            keys = OWN.get(group, {}) | ({} if group == "model" else {"note": f"{option} of {group}", "origin": "${seed}"})
            keys |= {f"setting_{index}": f"{number}.{index}" for index in range(KEYS - len(keys))}
            made[f"conf/{group}/{option}.yaml"] = "".join(f"{key}: {value}\n" for key, value in keys.items())
    return made


def child(folder: str, arguments: Sequence[str]) -> None:
    """In an environment that has scalecheck, compose and check jobs of one sweep, and print CPU seconds of each step as JSON."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    from scalecheck import launch
    from scalecheck.sweep_jobs import JobComposer
    from scalecheck.sweepers import expand_sweep

    spent: dict[str, list[float]] = {"hydra": [], "ours": [], "check": []}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        spent[name].append(time.process_time() - start)
        return result

    with initialize_config_dir(str(Path(folder) / "conf"), job_name="train", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration("train", [*arguments, "hydra.mode=MULTIRUN"], RunMode.MULTIRUN)
        composer, jobs = JobComposer(master), expand_sweep(master) or []
        for number, overrides in enumerate(jobs[:: max(1, len(jobs) // COMPOSED)]):
            by_hydra = timed("hydra", partial(loader.load_sweep_config, master, list(overrides)))
            config = timed("ours", partial(composer.job, overrides))
            if config != by_hydra:
                message = f"the job {' '.join(overrides)} is composed otherwise than Hydra does"
                raise ValueError(message)
            policy, prefix = launch.policy_of(config)
            timed("check", partial(launch.checked_job, config, policy, prefix, name=str(number), overrides=tuple(overrides)))
    print(json.dumps(spent))


def in_process(python: Path, folder: Path, kind: str, arguments: Sequence[str]) -> tuple[str, list[float]]:
    """Run ``child``; return the table's line, and the seconds of the check alone without the first, which imports."""
    command = [str(python), __file__, "--child", str(folder), *arguments]
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        message = f"{kind}, in one process: exit {done.returncode}: {done.stderr.strip()[-600:]}"
        raise RuntimeError(message)
    spent: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    later = {name: seconds[1:] or seconds for name, seconds in spent.items()}
    ratio = statistics.median(later["ours"]) / statistics.median(later["hydra"])
    cells = " | ".join(_milliseconds(later[name]) for name in ("hydra", "ours"))
    first = spent["check"][0] * 1e3
    return f"| {kind} | {len(spent['check'])} | {cells} | {ratio:.2f} | {_milliseconds(later['check'])}; the first {first:.0f} |", later[
        "check"
    ]


def _milliseconds(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1e3:.2f} ms" if statistics.median(seconds) < 0.01 else spread(seconds)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Make everything in ``folder``, measure, and print both tables as they come."""
    python = made_environment(folder / "installed", with_project=True)
    plain = made_app(folder / "plain-sweep", files(options.jobs, ""))
    checked = made_app(folder / "checked-sweep", files(options.jobs, LINE))
    print(f"{machine()}\n\n{options.jobs} jobs, {len(GROUPS)} groups with {KEYS} keys each\n\n{COLUMNS}", flush=True)
    kinds = {name: arguments_of(kind) for name, kind in swept(options.jobs).items() if options.only in (None, name)}
    for kind, arguments in kinds.items():
        ways, one_job = (
            [Way(name=where.name, command=(str(python), "train.py", "-m", *typed), folder=where) for where in (plain, checked)]
            for typed in (arguments, ["seed=0"])
        )
        spent = measured(ways, max(options.runs, 1), before=one_job)
        print(base_row(f"{kind}, without", spent[plain.name]))
        print(row(f"(c) {kind}, checked", spent[plain.name], spent[checked.name], GOAL), flush=True)
    print("\nIn one process, CPU of one job, medians:\n")
    print("| what | jobs | composed by Hydra | composed by scalecheck.sweep_jobs | ratio | (d) the check alone |")
    print("| --- | --- | --- | --- | --- | --- |")
    alone: list[float] = []
    for kind, arguments in kinds.items():
        line, seconds = in_process(python, checked, kind, arguments)
        alone += seconds
        print(line, flush=True)
    median = statistics.median(alone) * 1e3
    print(f"\n(d) {median:.2f} ms; goal <= {GOAL_CHECK_MS:g} ms: {'met' if median <= GOAL_CHECK_MS else 'not met'}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns 2 where an environment or a run failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"rounds that are measured (default {RUNS})")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"jobs of each sweep (default {JOBS})")
    parser.add_argument("--only", choices=swept(1), help="one kind of sweep (default: all three)")
    parser.add_argument("--folder", type=Path, help="make the environment and apps here and keep them (default: a temporary directory)")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error("--jobs is at least 1")
    with tempfile.TemporaryDirectory() as temporary:
        try:
            measure((options.folder or Path(temporary)).resolve(), options)
        except (subprocess.CalledProcessError, RuntimeError, OSError) as failure:
            print(f"benchmarks/sweep.py: error: {failure}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main())
