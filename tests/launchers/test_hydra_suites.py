"""Hydra's own suites for launchers and batched sweeps, which its wheel ships, with scalecheck's callback and its guard in front.

``guarded`` makes the guard stand before the launcher of every sweep, as it does where a sweeper chooses its jobs while it runs; without it
the sweep is enumerated before the launch. Both must be invisible to a sweep that passes.
"""

from __future__ import annotations

import importlib.util
import sys

import pytest

if importlib.util.find_spec("hydra.test_utils.launcher_common_tests") is None:  # a wheel without them
    pytest.skip("this hydra-core ships no suites", allow_module_level=True)
from hydra import version
from hydra.core.plugins import Plugins
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite, IntegrationTestSuite, LauncherTestSuite

NODE = "hydra.callbacks.scalecheck"
CALLBACK = (f"+hydra/callbacks@{NODE}=scalecheck", f"{NODE}.mode=stop", f"{NODE}.on_reject=drop", f"{NODE}.on_internal_error=stop")
IN_PROCESS = (*CALLBACK, "hydra.job.chdir=true")
"""These suites look for what a job wrote in its working directory."""
EVERYTHING_IS_ADAPTIVE = "from scalecheck import sweepers\nsweepers.expand_sweep = lambda config: None\n"
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.hydra_suites]


def needs(launcher: str) -> None:
    if launcher != "basic":
        pytest.importorskip(f"hydra_plugins.hydra_{launcher}_launcher")


@pytest.fixture(scope="module", autouse=True)
def plugins():
    """Plugins register their options when they are imported, so that must not happen within a test whose singletons are taken back."""
    Plugins.instance()


@pytest.fixture(params=["enumerated", "guarded"])
def sight(request, monkeypatch, tmp_path, hydra_restore_singletons):
    """Whether the sweeper is one that can be enumerated; in processes that the suite starts too."""
    if request.param == "guarded":
        from scalecheck import sweepers

        monkeypatch.setattr(sweepers, "expand_sweep", lambda config: None)
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "sitecustomize.py").write_text(EVERYTHING_IS_ADAPTIVE)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    version.setbase(None)  # the suites start below @hydra.main, which would say it
    yield request.param
    sys.modules.pop("hydra.test_utils.a_module", None)


@pytest.mark.usefixtures("sight")
@pytest.mark.parametrize(("launcher_name", "overrides"), [("basic", [*IN_PROCESS])], ids=["basic"])
class TestBasicLauncher(LauncherTestSuite):
    pass


@pytest.mark.usefixtures("sight")
@pytest.mark.parametrize(("launcher_name", "overrides"), [("joblib", [*IN_PROCESS, "hydra.launcher.n_jobs=2"])], ids=["joblib"])
class TestJoblibLauncher(LauncherTestSuite):
    test_failure_preserves_task_traceback = None  # of 1.4's suite: a traceback does not cross the processes of joblib, with or without us

    @pytest.fixture(autouse=True)
    def _installed(self):
        needs("joblib")


@pytest.mark.usefixtures("sight")
class TestBasicSweeperInBatches(BatchedSweeperTestSuite):
    """The suite appends to the list that it is given, so each test has its own."""

    @pytest.fixture(params=["basic", "joblib"])
    def launcher_name(self, request):
        needs(request.param)
        return request.param

    @pytest.fixture
    def overrides(self):
        return [*IN_PROCESS, "hydra/sweeper=basic", "hydra.sweeper.max_batch_size=2"]


@pytest.mark.usefixtures("sight")
class TestIntegration(IntegrationTestSuite):
    @pytest.fixture(params=["basic", "joblib"])
    def launcher(self, request):
        needs(request.param)
        return request.param

    @pytest.fixture
    def task_launcher_cfg(self):
        return {}

    @pytest.fixture
    def extra_flags(self, launcher):
        return ["-m", f"hydra/launcher={launcher}", *CALLBACK]
