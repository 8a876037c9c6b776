"""The callback that Hydra calls at a launch. Thin: stdlib and hydra only; scalecheck is imported when a launch happens.

Hydra swallows every ``Exception`` that a callback raises, warns, and then runs the job. So a stop is a ``SystemExit``
with an int code, and every hook body turns a bug of ours into what ``on_internal_error`` says.
"""

import sys
from collections.abc import Callable
from typing import Any

from hydra.experimental.callback import Callback


class ScaleCheckCallback(Callback):
    """Checks a run at ``on_run_start``, a sweep at ``on_multirun_start``; writes scalecheck.json at ``on_job_start``.

    The policy is read again from each job's own composed config, because Hydra builds callbacks once from the master config.
    """

    def __init__(self, **policy: Any) -> None:
        """Keep only what is needed when scalecheck itself fails; the policy is validated at the launch."""
        self.on_internal_error = str(policy.get("on_internal_error", "warn"))

    def on_run_start(self, config: Any, **kwargs: Any) -> None:
        """Check a single run; nothing is on disk yet."""
        self._guarded(lambda: self._launch().check_run(config), self.on_internal_error)

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Check the whole sweep, or put the guard in front of the launcher when the sweeper cannot be enumerated."""
        self._guarded(lambda: self._multirun(config), self.on_internal_error)

    def on_job_start(self, config: Any, **kwargs: Any) -> None:
        """Write the report of a job that starts. Runs in the launcher's worker, so it never rejects."""
        self._guarded(lambda: self._launch().write_report(config), "warn", "scalecheck.json is not written; the run goes on")

    @staticmethod
    def _launch() -> Any:
        from scalecheck import launch

        return launch

    def _multirun(self, config: Any) -> None:
        if not self._launch().check_sweep(config):
            from hydra_plugins.hydra_scalecheck.launcher import put_guard

            put_guard(config)

    def _guarded(self, body: Callable[[], None], mode: str, consequence: str = "the run is NOT checked and goes on") -> None:
        try:
            body()
        except Exception as bug:  # noqa: BLE001 - Hydra would swallow it and run the job unchecked
            try:
                self._launch().internal_error(bug, mode, consequence)
            except Exception:  # noqa: BLE001 - scalecheck itself cannot be imported
                print(f"scalecheck: cannot work ({type(bug).__name__}: {bug}); on_internal_error={mode}.", file=sys.stderr)  # noqa: T201
                if mode == "stop":
                    raise SystemExit(3) from None
