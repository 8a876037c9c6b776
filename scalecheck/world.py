"""Stage 1, schedule side: how many processes a run has, where no key of its trainer says so: the environment, or Hydra's launcher."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scalecheck.facts import Origin, Unreadable, View

LARGEST_WORLD = 10**7
_MPI = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
_GPUS = r"(?:[a-z][a-z0-9_.-]*:){0,2}([0-9]{1,7})(?:\([^()]*\))?"
_LAUNCHER = "hydra.launcher"
Found = tuple[int, Origin]


def device_count(value: Any) -> int | None:
    """Return how many devices a trainer's key asks for: a number, a list of indices, or text of either; ``None`` for what is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, list):
        return len(value) or None
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        if len(value) > 1000 or not all(part.isascii() and part.isdigit() for part in parts):
            return None
        return len(parts) if len(parts) > 1 else device_count(int(parts[0]))
    return value if isinstance(value, int) and 0 < value < LARGEST_WORLD else None


def world_size(view: View, environ: Mapping[str, str]) -> Found | None:
    """Return the run's processes, one a device, and where that is said: the environment, else Hydra's launcher; ``None`` where nothing is.

    A sweep that is being submitted runs in the allocations that its launcher asks for. Of the shell that submits it, which may be a
    Slurm job itself, only ``WORLD_SIZE`` counts there. ``SUBMITIT_EXECUTOR`` is what submitit sets in the jobs that it has started
    (facebookincubator/submitit, submitit/slurm/slurm.py and submitit/local/local.py).
    """
    told = _by_torch(environ)
    if told is not None:
        return told
    if not _is_submitit(view):
        return _by_mpi(environ) or _by_slurm(environ)
    is_started = environ.get("SUBMITIT_EXECUTOR") == "slurm"
    return (_by_slurm(environ) if is_started else None) or _by_launcher(view)


def _by_torch(environ: Mapping[str, str]) -> Found | None:
    """``WORLD_SIZE`` counts processes, one a device: torch/distributed/run.py (torchrun), and accelerate's launcher, which calls it."""
    world = _number(environ.get("WORLD_SIZE"))
    return None if world is None else (world, Origin(because="WORLD_SIZE in the environment"))


def _by_mpi(environ: Mapping[str, str]) -> Found | None:
    """What Open MPI's and MPICH's launchers set. A Slurm step of one process has ``PMI_SIZE`` too, and is no launch by MPI."""
    for name in _MPI:
        processes = _number(environ.get(name))
        if processes is not None and (processes > 1 or "SLURM_JOB_ID" not in environ):
            return processes, Origin(because=f"{name} in the environment")
    return None


def _by_slurm(environ: Mapping[str, str]) -> Found | None:
    """The tasks of the Slurm job, or its nodes x GPUs, from sbatch's output environment variables (slurm.schedmd.com/sbatch.html).

    Tasks count, and are no assumption where they are as many as the GPUs. One task on each node starts a process per GPU, or drives all.
    """
    tasks = _number(environ.get("SLURM_NTASKS")) or 1
    nodes = _number(environ.get("SLURM_NNODES")) or _number(environ.get("SLURM_JOB_NUM_NODES"))
    gpus, said = _gpus_of_slurm(environ, nodes)
    if gpus is None and said:
        return None  # two variables disagree
    if tasks > 1 and (gpus is None or tasks != nodes):
        beside = "" if gpus is None else f", though there are {gpus} GPUs ({said})"
        because = "SLURM_NTASKS in the environment" + ("" if tasks == gpus else f", and one device per task{beside}")
        return tasks, Origin(assumed=tasks != gpus, because=because)
    return None if gpus is None else (gpus, Origin(assumed=True, because=f"{said}: one process per GPU of the Slurm job"))


def _gpus_of_slurm(environ: Mapping[str, str], nodes: int | None) -> tuple[int | None, str]:
    """Return all GPUs of the Slurm job and how they were counted; ``None`` and a text where two variables disagree."""
    counts: dict[str, int] = {}
    for name in ("SLURM_GPUS_ON_NODE", "SLURM_GPUS_PER_NODE"):
        per_node = _gpus(environ.get(name))
        if per_node is not None and nodes is not None:
            counts[f"SLURM_NNODES {nodes} x {name} {per_node}"] = nodes * per_node
    total = _gpus(environ.get("SLURM_GPUS"))
    if total is not None:
        counts[f"SLURM_GPUS {total}"] = total
    agreed = set(counts.values())
    return (agreed.pop() if len(agreed) == 1 else None), next(iter(counts), "")


def _is_submitit(view: View) -> bool:
    """Tell whether this is a sweep whose jobs submitit's launcher starts; the basic and the joblib launcher run them where they are."""
    if view.get("hydra.mode") != "MULTIRUN":
        return False
    target = view.get(f"{_LAUNCHER}._target_")
    return isinstance(target, str) and "submitit" in target.lower()


def _by_launcher(view: View) -> Found | None:
    """What hydra-submitit-launcher asks for, per job of the sweep (hydra_plugins/hydra_submitit_launcher/config.py, SlurmQueueConf).

    ``nodes`` and ``tasks_per_node`` are 1 where they are not set. Tasks that are neither one nor as many as the GPUs tell nothing.
    """
    nodes, tasks = _asked(view, "nodes"), _asked(view, "tasks_per_node")
    if nodes is None or tasks is None:
        return None
    counts = _gpus_of_launcher(view, nodes, tasks)
    if len(set(counts.values())) > 1 or None in counts.values():
        return None
    key, gpus = next(iter(counts.items()), (None, None))
    if gpus is None:
        because = f"{nodes} x {tasks} tasks of {_LAUNCHER}, and one device per task"
        return None if tasks == 1 else (nodes * tasks, Origin(key=f"{_LAUNCHER}.tasks_per_node", assumed=True, because=because))
    if tasks not in (1, gpus / nodes):
        return None
    is_guess = nodes * tasks != gpus
    because = f"{nodes} x {gpus // nodes} GPUs of {_LAUNCHER}" if gpus % nodes == 0 else f"{gpus} GPUs of {_LAUNCHER}"
    because += ", and one process per GPU" if is_guess else ""
    return gpus, Origin(key=key, assumed=is_guess, because=because)


def _asked(view: View, name: str) -> int | None:
    """Return how many the launcher asks for, 1 where it does not say; ``None`` where what it says is no count."""
    value = view.get(f"{_LAUNCHER}.{name}")
    return 1 if value is None else _whole(value)


def _gpus_of_launcher(view: View, nodes: int, tasks: int) -> dict[str, int | None]:
    """Return, by the key that tells, all GPUs of one job; ``None`` for a value that is no count. Zero is not asked for."""
    factors = {
        "gpus_per_node": nodes, "gres": nodes, "gpus_per_task": nodes * tasks,
        "additional_parameters.gpus": 1, "additional_parameters.gpus_per_node": nodes, "additional_parameters.gres": nodes,
    }  # fmt: skip
    counts: dict[str, int | None] = {}
    for name, times in factors.items():
        key = f"{_LAUNCHER}.{name}"
        value = view.get(key)
        if value is None or value in (0, "0", ""):
            continue
        count = _gres(value) if name.endswith("gres") else _gpus(value)
        if name.endswith("gres") and count == 0:
            continue  # other resources only
        counts[key] = None if count is None else count * times
    return counts


def _gres(value: Any) -> int | None:
    """Return the GPUs of a ``gres`` such as ``gpu:a100:8,nvme:1``; 0 where it has none, ``None`` where it cannot be told."""
    if not isinstance(value, str) or len(value) > 1000:
        return None
    parts = [part.strip().lower().removeprefix("gres/") for part in value.split(",")]
    gpus = [1 if part == "gpu" else _gpus(part) for part in parts if re.match(r"gpu\b", part)]
    return 0 if not gpus else gpus[0] if len(gpus) == 1 else None


def _gpus(value: Any) -> int | None:
    """Return a number of GPUs as Slurm writes it: ``8``, ``a100:8``, ``gpu:a100:8(S:0-1)``."""
    if isinstance(value, str):
        found = re.fullmatch(_GPUS, value.strip().lower()) if len(value) <= 1000 else None
        return _whole(int(found[1])) if found else None
    return _whole(value)


def _number(text: str | None) -> int | None:
    """Return the positive number that an environment variable is, ``None`` for anything else."""
    digits = (text or "").strip()
    return _whole(int(digits)) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(LARGEST_WORLD)) else None


def _whole(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool | Unreadable)
    return value if is_count and 0 < value < LARGEST_WORLD else None
