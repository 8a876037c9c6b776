"""The callback that Hydra calls at a launch. Thin: stdlib and hydra only; scalecheck is imported when a launch happens.

Hydra swallows every ``Exception`` that a callback raises, warns, and then runs the job. So a stop is a ``SystemExit``
with an int code, and every hook body turns a bug of ours into what ``on_internal_error`` says.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hydra.experimental.callback import Callback

PLANNED_BY = "SCALECHECK_PLAN_FD"
"""Set by ``scalecheck plan`` (scalecheck/plan_signal.py), so that whatever node our callback stands at it starts nothing."""
NEW_OBJECTS = 100_000
"""So many are made between two collections of garbage while a launch is checked; a composed job of a dozen config groups has some 8,000."""


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Have Python look for garbage more seldom: looking through what stays, again and again, is a sixth of what a check costs."""
    was = gc.get_threshold()
    gc.set_threshold(max(was[0], NEW_OBJECTS) if was[0] else 0, *was[1:])  # 0 is never
    try:
        yield
    finally:
        gc.set_threshold(*was)


class ScaleCheckCallback(Callback):
    """Checks a run at ``on_run_start``, a sweep at ``on_multirun_start``; writes scalecheck.json at ``on_job_start``.

    The policy is read again from each job's own composed config, because Hydra builds callbacks once from the master config.
    It is pickled with the jobs of a sweep, so it keeps plain values only.
    """

    def __init__(self, **policy: Any) -> None:
        """Keep only what is needed when scalecheck itself fails; the policy is validated at the launch."""
        self.on_internal_error = str(policy.get("on_internal_error", "warn"))
        self.plans = str(policy.get("mode")) == "plan" or PLANNED_BY in os.environ

    def on_run_start(self, config: Any, **kwargs: Any) -> None:
        """Check a single run; nothing is on disk yet."""
        with _seldom_collected():
            self._guarded(config, lambda: self._launch().check_run(config, plans=self.plans))
        self._start_nothing_of_a_plan()
        self._let_go(config)

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Check the whole sweep, and put the guard in front of the launcher where jobs are chosen later, or are dropped."""
        with _seldom_collected():
            self._guarded(config, lambda: self._multirun(config))
        if "scalecheck.sweep" not in sys.modules or not sys.modules["scalecheck.sweep"].is_guarded():
            self._start_nothing_of_a_plan()
            self._let_go(config)

    def on_multirun_end(self, config: Any, **kwargs: Any) -> None:
        """Have drawn what a sweeper chose while it ran; end with exit code 3 where jobs were dropped."""
        if "scalecheck.sweep" in sys.modules:
            sys.modules["scalecheck.sweep"].end_sweep(config)

    def on_job_start(self, config: Any, **kwargs: Any) -> None:
        """Write the report of a job that starts. Runs in the launcher's worker, so it never rejects."""
        try:
            self._launch().write_report(config)
        except Exception as bug:  # noqa: BLE001 - a report that cannot be written is no reason to end a job
            self._say(bug, "warn", "scalecheck.json is not written; the run goes on")

    @staticmethod
    def _launch() -> Any:
        from scalecheck import launch

        return launch

    def _multirun(self, config: Any) -> None:
        from scalecheck import sweep

        if sweep.check_sweep(config, plans=self.plans):
            from hydra_plugins.hydra_scalecheck.launcher import put_guard

            put_guard(config)

    def _guarded(self, config: Any, body: Callable[[], None]) -> None:
        try:
            if self.plans or not self._launch().follows_parent(config):
                body()
        except KeyboardInterrupt:
            if "scalecheck.launch" not in sys.modules or sys.modules["scalecheck.launch"].speaks():
                print("\nscalecheck: interrupted; nothing was started.", file=sys.stderr)  # noqa: T201
            raise SystemExit(130) from None
        except SystemExit as stop:
            if self.plans and stop.code == 3:  # a policy that is broken: nothing could be planned
                raise SystemExit(2) from None
            raise
        except Exception as bug:  # noqa: BLE001 - Hydra would swallow it and run the job unchecked
            self._say(bug, "plan" if self.plans else self.on_internal_error, "the run is NOT checked and goes on")

    def _say(self, bug: Exception, mode: str, consequence: str) -> None:
        try:
            self._launch().internal_error(bug, mode, consequence)
        except Exception:  # noqa: BLE001 - scalecheck itself cannot be imported
            print(f"scalecheck: cannot work ({type(bug).__name__}: {bug}); on_internal_error={mode}.", file=sys.stderr)  # noqa: T201
            if mode in ("stop", "plan"):
                raise SystemExit(2 if mode == "plan" else 3) from None

    def _let_go(self, config: Any) -> None:
        """Let the ranks that this launch starts itself follow it, also where a bug of ours was no reason to stop."""
        try:
            self._launch().let_go(config)
        except Exception as bug:  # noqa: BLE001 - the launch was let go, and so it is
            self._say(bug, "warn", "processes that the run starts itself are checked anew")

    def _start_nothing_of_a_plan(self) -> None:
        """Never let Hydra go on with a plan, whatever happened above."""
        if self.plans:
            raise SystemExit(2)
