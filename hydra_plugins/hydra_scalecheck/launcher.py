"""A guard in front of the user's launcher: where a sweeper chooses its jobs while it runs, and where rejected jobs are dropped.

It is swapped into the master config at ``on_multirun_start`` and puts the user's launcher back in ``setup()``, before
anything else looks at the config: hydra-core 1.4 refuses a sweep whose jobs have another launcher than the master.
"""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, flag_override, open_dict, read_write

GUARD = "hydra_plugins.hydra_scalecheck.launcher.ScaleCheckLauncher"
GOES_ON_WITHOUT_A_FIGURE = ("hydra._internal.core_plugins.basic_sweeper.", "hydra_plugins.hydra_optuna_sweeper.")
"""Sweepers that take a job without a figure and go on: optuna marks its trial as failed. Others would make a number of it."""


class DroppedJob(Exception):  # noqa: N818 - it says what became of a job
    """What a sweeper gets in place of the result of a job that was not run."""


def put_guard(config: DictConfig) -> None:
    """Swap the guard into ``config.hydra.launcher``; scalecheck keeps what stands there."""
    from scalecheck import sweep

    sweep.keep_launcher(config.hydra.launcher)
    _set_launcher(config, OmegaConf.create({"_target_": GUARD}))


def _set_launcher(config: DictConfig, node: Any) -> None:
    with read_write(config), read_write(config.hydra), open_dict(config.hydra), flag_override(config.hydra, "struct", False):
        config.hydra.launcher = node


class ScaleCheckLauncher(Launcher):
    """Checks each batch of jobs, then hands those that are accepted to the user's launcher."""

    def __init__(self) -> None:
        """What it stands in front of is known once Hydra sets it up."""
        self.inner: Any = None
        self.config: Any = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Restore the user's launcher in the config, then set it up."""
        from hydra.core.plugins import Plugins

        from scalecheck import sweep

        _set_launcher(config, sweep.kept_launcher())
        self.config = config
        self.inner = Plugins.instance().instantiate_launcher(hydra_context=hydra_context, task_function=task_function, config=config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Launch the accepted jobs; return a result for every job, in their order, as sweepers pair them with what they asked for.

        A batch that is stopped is not launched and ends the process with exit code 3.
        """
        accepted = self._check(job_overrides)
        chosen = [overrides for overrides, is_accepted in zip(job_overrides, accepted, strict=True) if is_accepted]
        returns = self._launched(chosen, initial_job_idx) if chosen or not accepted else []
        if all(accepted) or len(returns) != len(chosen):
            return returns
        left = iter(returns)
        pairs = zip(job_overrides, accepted, strict=True)
        return [next(left) if is_accepted else self._not_run(overrides) for overrides, is_accepted in pairs]

    def _check(self, job_overrides: Sequence[Sequence[str]]) -> list[bool]:
        from scalecheck import launch, sweep

        try:
            return sweep.check_batch(self.config, job_overrides)
        except KeyboardInterrupt:
            launch.say("\nscalecheck: interrupted; this batch was not started.")
            raise SystemExit(130) from None
        except Exception as bug:  # noqa: BLE001 - as configured, never silence
            launch.internal_error(bug, launch.internal_error_mode(self.config))
            return [True for _ in job_overrides]

    def _launched(self, chosen: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from scalecheck import sweep

        try:
            returns: Sequence[JobReturn] = self.inner.launch(chosen, initial_job_idx)
        except BaseException:
            sweep.note_failure(self.config)
            raise
        if any(getattr(one, "status", None) == JobStatus.FAILED for one in returns or ()):
            sweep.note_failure(self.config)
        return returns

    def _not_run(self, overrides: Sequence[str]) -> JobReturn:
        made = JobReturn(overrides=list(overrides))
        goes_on = str(OmegaConf.select(self.config, "hydra.sweeper._target_")).startswith(GOES_ON_WITHOUT_A_FIGURE)
        made.status = JobStatus.COMPLETED if goes_on else JobStatus.FAILED
        made.return_value = None if goes_on else DroppedJob(f"scalecheck dropped the job {' '.join(overrides)} (on_reject=drop)")
        return made
