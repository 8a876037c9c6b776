"""How many devices there are where the config does not say."""

from __future__ import annotations

import pytest

from scalecheck.world import device_count, world_size

SUBMITIT = {"_target_": "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher", "nodes": 4, "gpus_per_node": 8}


def launcher(mode="MULTIRUN", **fields):
    return {"hydra": {"mode": mode, "launcher": {**SUBMITIT, **fields}}}


@pytest.mark.parametrize("name", ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"])
def test_processes_of_the_environment_are_exact(view_of, name):
    count, origin = world_size(view_of({}), {name: "16"})
    assert count == 16
    assert not origin.assumed
    assert name in origin.because


@pytest.mark.parametrize("text", ["", "0", "-1", "eight", "\u00b2", "9" * 5000, "8 nodes", "1e1", "99999999"])
def test_what_is_no_number_of_processes_tells_nothing(view_of, text):
    assert world_size(view_of({}), {"WORLD_SIZE": text}) is None


@pytest.mark.parametrize(
    ("environ", "count"),
    [
        ({"SLURM_NTASKS": "32", "SLURM_NNODES": "4"}, 32),
        ({"SLURM_NTASKS": "1", "SLURM_NNODES": "2", "SLURM_GPUS_ON_NODE": "8"}, 16),
        ({"SLURM_JOB_NUM_NODES": "2", "SLURM_GPUS_PER_NODE": "a100:4"}, 8),
        ({"SLURM_NNODES": "1", "SLURM_GPUS_PER_NODE": "gpu:8"}, 8),
    ],
)
def test_slurm_tells_and_is_assumed(view_of, environ, count):
    found, origin = world_size(view_of({}), environ)
    assert (found, origin.assumed) == (count, True)


@pytest.mark.parametrize(
    "environ", [{"SLURM_NTASKS": "1"}, {"SLURM_GPUS_ON_NODE": "8"}, {"SLURM_NNODES": "2", "SLURM_GPUS_PER_NODE": "many"}]
)
def test_slurm_that_does_not_tell_enough_tells_nothing(view_of, environ):
    assert world_size(view_of({}), environ) is None


@pytest.mark.parametrize(
    ("environ", "count"),
    [
        ({"SLURM_NTASKS": "16", "SLURM_NNODES": "2", "SLURM_GPUS_ON_NODE": "8"}, 16),
        ({"SLURM_NTASKS": "8", "SLURM_NNODES": "1", "SLURM_GPUS_PER_NODE": "a100:8"}, 8),
        ({"SLURM_NTASKS": "8", "SLURM_GPUS": "8"}, 8),
    ],
)
def test_slurm_is_no_assumption_where_tasks_are_as_many_as_gpus(view_of, environ, count):
    found, origin = world_size(view_of({}), environ)
    assert (found, origin.assumed) == (count, False)


def test_one_task_on_each_node_has_all_gpus_of_it(view_of):
    """As torchrun is started under Slurm: SLURM_NTASKS alone would make D eight times too small."""
    found, origin = world_size(view_of({}), {"SLURM_NTASKS": "4", "SLURM_NNODES": "4", "SLURM_GPUS_ON_NODE": "8"})
    assert (found, origin.assumed) == (32, True)
    assert "one process per GPU" in origin.because


def test_tasks_that_are_not_as_many_as_gpus_are_an_assumption_that_says_so(view_of):
    found, origin = world_size(view_of({}), {"SLURM_NTASKS": "4", "SLURM_NNODES": "2", "SLURM_GPUS_ON_NODE": "8"})
    assert (found, origin.assumed) == (4, True)
    assert "16 GPUs" in origin.because


@pytest.mark.parametrize("more", [{"SLURM_GPUS_PER_NODE": "4"}, {"SLURM_GPUS": "8"}])
def test_slurm_variables_that_disagree_tell_nothing(view_of, more):
    assert world_size(view_of({}), {"SLURM_NNODES": "2", "SLURM_GPUS_ON_NODE": "8", "SLURM_NTASKS": "16", **more}) is None


@pytest.mark.parametrize("text", ["", "0", "gpu", "gpu:a100", "a:b:c:8", "8,4", "-8", "8x", "\u0668", "9" * 4000, "a100:99999999"])
def test_what_is_no_number_of_gpus_tells_nothing(view_of, text):
    assert world_size(view_of({}), {"SLURM_NNODES": "1", "SLURM_GPUS_ON_NODE": text}) is None


def test_gpus_on_their_sockets_are_counted(view_of):
    assert world_size(view_of({}), {"SLURM_NNODES": "1", "SLURM_GPUS_PER_NODE": "gpu:a100:8(S:0-1)"})[0] == 8


def test_single_process_of_a_slurm_step_is_no_launch_by_mpi(view_of):
    assert world_size(view_of({}), {"SLURM_JOB_ID": "7", "PMI_SIZE": "1"}) is None
    assert world_size(view_of({}), {"SLURM_JOB_ID": "7", "PMI_SIZE": "4"})[0] == 4
    assert world_size(view_of({}), {"OMPI_COMM_WORLD_SIZE": "1"})[0] == 1


def test_broken_world_size_leaves_the_next_to_tell(view_of):
    assert world_size(view_of({}), {"WORLD_SIZE": "", "OMPI_COMM_WORLD_SIZE": "0", "PMI_SIZE": "8"})[0] == 8


def test_torchrun_goes_before_slurm(view_of):
    assert world_size(view_of({}), {"WORLD_SIZE": "8", "SLURM_NTASKS": "2"})[0] == 8


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, 32),
        ({"gpus_per_node": None, "gres": "gpu:a100:4"}, 16),
        ({"gpus_per_node": None, "tasks_per_node": 2}, 8),
        ({"nodes": 1, "gpus_per_node": 8, "tasks_per_node": 1}, 8),
        ({"tasks_per_node": 8}, 32),
        ({"gpus_per_node": None, "gpus_per_task": 1, "tasks_per_node": 8}, 32),
        ({"gpus_per_node": "8"}, 32),
        ({"gpus_per_node": None, "gres": "nvme:1,gpu:8"}, 32),
        ({"gpus_per_node": None, "gres": "gpu"}, 4),
        ({"gpus_per_node": None, "gres": "gres/gpu:2"}, 8),
        ({"gres": "gpu:8"}, 32),
        ({"gres": "nvme:1"}, 32),
        ({"gpus_per_node": None, "additional_parameters": {"gpus": 16}}, 16),
        ({"gpus_per_node": None, "additional_parameters": {"gpus_per_node": "a100:2"}}, 8),
        ({"nodes": None, "tasks_per_node": None}, 8),
    ],
)
def test_launcher_of_a_sweep_has_nodes_times_devices(view_of, fields, count):
    found, origin = world_size(view_of(launcher(**fields)), {})
    assert found == count
    assert origin.key.startswith("hydra.launcher.")


@pytest.mark.parametrize(
    "config",
    [
        launcher(mode="RUN"),
        launcher(mode="RunMode.RUN"),
        launcher(_target_="hydra._internal.core_plugins.basic_launcher.BasicLauncher"),
        launcher(nodes="many"),
        launcher(gpus_per_node=0),
        launcher(gpus_per_node=None, tasks_per_node=1),
        launcher(gpus_per_node=-1),
        launcher(gpus_per_node=True),
        launcher(gpus_per_node=8.0),
        launcher(gpus_per_node="???"),
        launcher(gpus_per_node="???", tasks_per_node=2),
        launcher(nodes="???"),
        launcher(nodes=0),
        launcher(tasks_per_node=0),
        launcher(tasks_per_node=2),
        launcher(gpus_per_node=None, gpus_per_task=4, tasks_per_node=2),
        launcher(gres="gpu:4"),
        launcher(gpus_per_node=None, gres="gpu:4,gpu:2"),
        launcher(gpus_per_node=None, gres=4),
        launcher(gpus_per_node=None, gres="nvme:4"),
        launcher(_target_=None),
        launcher(_target_="???"),
        launcher(mode="???"),
        launcher(mode=None),
        {},
    ],
)
def test_launcher_that_is_not_used_or_does_not_say_tells_nothing(view_of, config):
    """A single run does not go through the launcher, and one task on a node may still have several devices."""
    assert world_size(view_of(config), {}) is None


@pytest.mark.parametrize(("fields", "is_assumed"), [({"tasks_per_node": 8}, False), ({}, True), ({"gpus_per_node": 1}, False)])
def test_launcher_is_no_assumption_where_tasks_are_as_many_as_gpus(view_of, fields, is_assumed):
    assert world_size(view_of(launcher(**fields)), {})[1].assumed is is_assumed


def test_shell_that_submits_a_sweep_is_not_where_its_jobs_run(view_of):
    """Sweeps are often submitted from an interactive Slurm job of one GPU."""
    shell = {"SLURM_NNODES": "1", "SLURM_GPUS_ON_NODE": "1", "SLURM_JOB_ID": "7", "PMI_SIZE": "2"}
    assert world_size(view_of(launcher()), shell)[0] == 32
    assert world_size(view_of(launcher(gpus_per_node=None)), shell) is None
    assert world_size(view_of(launcher(mode="RUN")), shell | {"PMI_SIZE": "1"})[0] == 1


def test_job_that_submitit_started_has_its_own_slurm(view_of):
    job = {"SUBMITIT_EXECUTOR": "slurm", "SLURM_NTASKS": "8", "SLURM_NNODES": "1", "SLURM_GPUS_ON_NODE": "8"}
    assert world_size(view_of(launcher()), job)[0] == 8
    assert world_size(view_of(launcher()), {"SUBMITIT_EXECUTOR": "slurm"})[0] == 32
    assert world_size(view_of(launcher()), job | {"SUBMITIT_EXECUTOR": "local"})[0] == 32


def test_world_size_that_is_set_by_hand_goes_before_the_launcher(view_of):
    assert world_size(view_of(launcher()), {"WORLD_SIZE": "64"})[0] == 64


def test_launcher_of_a_single_run_is_not_even_read(view_of):
    view = view_of(launcher(mode="RUN"))
    world_size(view, {})
    assert view.read_keys == {"hydra.mode"}


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (8, 8),
        ("8", 8),
        ([0, 1], 2),
        ("0,1,2", 3),
        (0, None),
        (-1, None),
        ("auto", None),
        (True, None),
        ([], None),
        (None, None),
        (1.0, None),
    ],
)
def test_spellings_of_devices(value, count):
    assert device_count(value) == count
