"""A guard in front of the user's launcher, for sweepers whose jobs are not known before they are launched.

It is swapped into the master config at ``on_multirun_start`` and puts the user's launcher back in ``setup()``, before
anything else looks at the config: hydra-core 1.4 refuses a sweep whose jobs have another launcher than the master.
"""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, flag_override, open_dict, read_write

GUARD = "hydra_plugins.hydra_scalecheck.launcher.ScaleCheckLauncher"


def put_guard(config: DictConfig) -> None:
    """Swap the guard into ``config.hydra.launcher``, around what stands there."""
    inner = OmegaConf.to_container(config.hydra.launcher, resolve=False)
    _set_launcher(config, OmegaConf.create({"_target_": GUARD, "_recursive_": False, "inner": inner}))


def _set_launcher(config: DictConfig, node: Any) -> None:
    with read_write(config), read_write(config.hydra), open_dict(config.hydra), flag_override(config.hydra, "struct", False):
        config.hydra.launcher = node


class ScaleCheckLauncher(Launcher):
    """Checks each batch of jobs, then hands it to the user's launcher."""

    def __init__(self, inner: DictConfig) -> None:
        """``inner`` is the config node of the user's launcher."""
        self.inner_node = inner
        self.inner: Any = None
        self.config: Any = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Restore the user's launcher in the config, then set it up."""
        from hydra.core.plugins import Plugins

        _set_launcher(config, OmegaConf.create(OmegaConf.to_container(OmegaConf.create(self.inner_node), resolve=False)))
        self.config = config
        self.inner = Plugins.instance().instantiate_launcher(hydra_context=hydra_context, task_function=task_function, config=config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Check the batch; a batch that is stopped is not launched and ends the process with exit code 3."""
        self._check([list(overrides) for overrides in job_overrides])
        returns: Sequence[JobReturn] = self.inner.launch(job_overrides, initial_job_idx)
        return returns

    def _check(self, job_overrides: list[list[str]]) -> None:
        from scalecheck import launch

        try:
            launch.check_jobs(self.config, job_overrides)
        except Exception as bug:  # noqa: BLE001 - as configured, never silence
            launch.internal_error(bug, launch.internal_error_mode(self.config))
