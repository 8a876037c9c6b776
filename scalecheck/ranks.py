"""Several processes of one launch: which of them speaks, and which follows what the process that started it was told.

torchrun, srun and mpirun start all processes from outside, in one environment, so that each checks the same run and comes to the same
verdict. Lightning starts the others itself, from the first one's task function and with the script's own command line
(lightning/fabric/strategies/launchers/subprocess_script.py), after it has put WORLD_SIZE into the environment: they know a number of
devices that the first did not, could be stopped where it was not, and it would wait for them, or be killed. They follow it instead.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, MutableMapping, Sequence

MARK = "SCALECHECK_PASSED"
"""Set in the environment of a launch that was let go, for the processes that it starts itself."""
PATIENCE_S = 5.0
_GLOBAL = (
    "RANK",  # torchrun, accelerate, deepspeed, PyTorchJob of Kubernetes
    "GLOBAL_RANK",
    "SLURM_PROCID",
    "OMPI_COMM_WORLD_RANK",
    "PMI_RANK",
    "PMIX_RANK",
    "MV2_COMM_WORLD_RANK",
    "JSM_NAMESPACE_RANK",
    "FLUX_TASK_RANK",
    "SUBMITIT_LOCAL_GLOBALID",  # several tasks of submitit's local executor
)
_NODE = ("NODE_RANK", "GROUP_RANK")
_LOCAL = "LOCAL_RANK"
_TORCHRUN = "TORCHELASTIC_RUN_ID"  # torch/distributed/elastic/agent/server/local_elastic_agent.py
_ADDED = ("hydra.run.dir", "hydra.job.name", "hydra.output_subdir")  # by Lightning, for each process that it starts


def is_first_rank(environ: Mapping[str, str]) -> bool:
    """Tell whether this process speaks for its launch: its rank, its node's and its rank on the node are 0 or not told.

    What torchrun says goes alone: the task of Slurm that it may run in is none of its ranks. A text that is no number, such as the -1 of
    older scripts, is no rank.
    """
    if environ.get(_TORCHRUN):
        return not _number(environ.get("RANK"))
    return not any(_number(environ.get(name)) for name in (*_GLOBAL, *_NODE, _LOCAL))


def let_first_speak(environ: Mapping[str, str]) -> None:
    """Wait, on a rank that is about to exit without a word, until the first has likely said why and has exited itself.

    torchrun and mpirun, and srun --kill-on-bad-exit, end all ranks when one exits: the first could be ended before it has printed
    anything. They end the waiting too. The first itself does not wait.
    """
    if not is_first_rank(environ):
        time.sleep(PATIENCE_S)


def mark_passed(environ: MutableMapping[str, str], script: str, overrides: Sequence[str]) -> None:
    """Leave a mark that this launch was let go, for the processes that it starts itself.

    ``script`` is ``sys.argv[0]`` before the working directory has changed, ``overrides`` are all that were typed, of the task and of Hydra.
    """
    if not _number(environ.get(_LOCAL)):
        environ[MARK] = _launch(environ, script, overrides)


def was_passed_by_parent(environ: Mapping[str, str], script: str, overrides: Sequence[str]) -> bool:
    """Tell whether the process that started this one, as another rank of the same launch, was let go.

    Of the same launch is the same script with the same overrides, and no launcher such as torchrun between the two: a launcher's ranks are
    told the same and check anew, the first with the others. Any other script or job that a launch starts is checked as always.
    """
    return bool(_number(environ.get(_LOCAL))) and environ.get(MARK) == _launch(environ, script, overrides)


def _launch(environ: Mapping[str, str], script: str, overrides: Sequence[str]) -> str:
    typed = [text for text in overrides if text.lstrip("+").partition("=")[0] not in _ADDED]
    started_by = [f"{name}={environ.get(name, '')}" for name in (*_GLOBAL, _TORCHRUN)]
    told = "\0".join([os.path.realpath(script), *started_by, *typed])
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


def _number(text: str | None) -> int:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
