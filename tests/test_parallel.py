"""Jobs in several processes: the same jobs in the same order as in one, and what is said where that cannot be."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

import pytest

from scalecheck import parallel
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Job
from scalecheck.parallel import Chunk, checked_chunk, chunks_of, in_processes

pytestmark = pytest.mark.extended

joblib = pytest.importorskip("joblib")
ROOT = Path(__file__).parents[1]
SWEEP = [[f"seed={number}", f"model={'small' if number % 2 else 'large'}"] for number in range(60)]
SERIAL_AND_PARALLEL = """
import argparse, sys
from pathlib import Path
from scalecheck.commands import check
from scalecheck import repo_check

def jobs_of(*more):
    asked = repo_check.asked(check.parser().parse_intermixed_args([*sys.argv[1:], *more]))
    return repo_check.report_of_repo(asked).jobs

serial, parallel = jobs_of(), jobs_of("--jobs", "2")
assert [job.name for job in serial] == [job.name for job in parallel], parallel
for one, other in zip(serial, parallel):
    assert one == other, (one, other)
print(len(serial), "joblib" in sys.modules)
"""


def options(**changed: object) -> argparse.Namespace:
    told = {"config": [], "config_dir": "conf", "config_name": "train", "version_base": "1.3", "policy": None, "untrusted": False}
    return argparse.Namespace(**told | {"multirun": False, "instantiate": False, "label": ""} | changed)


def chunk(number: int = 0, **changed: object) -> Chunk:
    return Chunk(options=options(**changed), overrides=("seed=1,2",), numbered=((number, (f"seed={number}",)),), directory=str(Path.cwd()))


def test_chunks_are_as_few_as_keep_all_workers_busy():
    few = list(chunks_of(options(), ["a=1,2,3"], [["a=1"], ["a=2"], ["a=3"]], 2))
    assert [made.numbered for made in few] == [((0, ("a=1",)),), ((1, ("a=2",)),), ((2, ("a=3",)),)]
    many = list(chunks_of(options(), [], [[f"a={number}"] for number in range(1_000)], 2))
    assert [len(made.numbered or ()) for made in many] == [100] * 10
    assert [number for made in many for number, _ in made.numbered or ()] == list(range(1_000))
    assert [made.numbered for made in chunks_of(options(), ["a=1"], None, 4)] == [None]


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (("--config-dir", "conf", "--config-name", "train", "-m", "model=small,large", "seed=range(0,30)"), 60),
        (("--config-dir", "conf", "--config-name", "train", "model=large"), 1),
    ],
)
def test_parallel_is_serial_job_for_job(app, arguments, number):
    done = app.spawn(sys.executable, "-c", SERIAL_AND_PARALLEL, *arguments)
    assert done.stdout.split() == [str(number), "True"], done.stderr


def test_parallel_is_serial_on_the_example(app):
    script = app.root / "compare.py"
    script.write_text(SERIAL_AND_PARALLEL)
    app.root = ROOT / "examples" / "pretrain"
    done = app.spawn(sys.executable, str(script))
    assert int(done.stdout.split()[0]) >= 5, done.stderr


def test_one_process_needs_no_joblib(app):
    app.write({"joblib.py": "raise ImportError('joblib is not to be imported')"})
    assert app.cli("check", "--config-name", "train", "seed=1,2", "--jobs", "1").returncode == 0
    done = app.cli("check", "--config-name", "train", "seed=1,2", "--jobs", "2")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'scalecheck[ci]'" in done.stderr


def test_job_that_fails_in_a_worker_ends_all(app):
    app.write({"conf/model/bad.yaml": "defaults: [nowhere]\n"})
    done = app.cli("check", "--config-name", "train", "model=small,bad", "seed=1,2", "--jobs", "2", "--output", "json:out.json")
    assert done.returncode == 2, done.stdout
    failing = ("job 2: the job model=bad seed=1 does not compose", "job 3: the job model=bad seed=2 does not compose")
    assert any(sentence in done.stderr for sentence in failing), "whichever worker is the first to find it"
    assert done.stderr.count("\n") == 1
    assert not (app.root / "out.json").exists()


def test_worker_that_is_killed_is_a_sentence(monkeypatch):
    monkeypatch.setattr(joblib, "delayed", lambda _: lambda _: (os._exit, (1,), {}))
    with pytest.raises(ScalecheckError, match="a worker process was killed"):
        list(in_processes([chunk()], 2, "loky"))


@pytest.mark.parametrize("backend", ["threading", "sequential", "multiprocessing"])
def test_any_backend_of_joblib_gives_the_same_jobs(app, monkeypatch, backend):
    monkeypatch.chdir(app.root)
    jobs = list(in_processes([chunk(number) for number in range(4)], 2, backend))
    assert [job.overrides for job in jobs] == [(f"seed={number}",) for number in range(4)]
    assert all(isinstance(job, Job) and job.run.account.total_params for job in jobs)


def test_threads_of_one_process_take_turns(app, monkeypatch):
    monkeypatch.chdir(app.root)
    done: list[str] = []
    work = [threading.Thread(target=lambda n=n: done.extend(job.name for job in checked_chunk(chunk(n)))) for n in range(4)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert sorted(done) == ["0", "1", "2", "3"]


def test_backend_that_is_not_there_is_a_sentence(monkeypatch):
    with pytest.raises(ScalecheckError, match=r"joblib knows no backend 'lokey'\. Did you mean 'loky'\?"):
        list(in_processes([], 2, "lokey"))
    monkeypatch.setitem(sys.modules, "ray.util.joblib", None)
    with pytest.raises(ScalecheckError, match=r"--backend ray needs ray: pip install ray\."):
        list(in_processes([], 2, "ray"))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ScalecheckError, match=r"--backend dask needs dask.distributed"):
        list(in_processes([], 2, "dask"))


class Distributed:
    """Stands in for dask.distributed, without a client."""

    @staticmethod
    def get_client() -> None:
        raise ValueError("No global client found")

    @staticmethod
    def Client(address: str) -> None:
        raise OSError(f"Timed out trying to connect to {address}")


def test_dask_without_a_client_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", Distributed)
    monkeypatch.delenv(parallel.DASK_ADDRESS, raising=False)
    with pytest.raises(ScalecheckError, match=f"needs a client, and there is none: set {parallel.DASK_ADDRESS}"):
        list(in_processes([], 2, "dask"))
    monkeypatch.setenv(parallel.DASK_ADDRESS, "tcp://nowhere:1")
    with pytest.raises(ScalecheckError, match="no scheduler answers there: OSError"):
        list(in_processes([], 2, "dask"))


def test_backend_that_is_registered_with_joblib_is_used(app, monkeypatch):
    monkeypatch.chdir(app.root)
    used = []

    class Ours(joblib.parallel.ThreadingBackend):
        def configure(self, *arguments, **named):
            used.append("ours")
            return super().configure(*arguments, **named)

    joblib.register_parallel_backend("ours", Ours)
    try:
        assert len(list(in_processes([chunk(0), chunk(1)], 2, "ours"))) == 2
    finally:
        del joblib.parallel.BACKENDS["ours"]
    assert used == ["ours"]


def test_worker_without_the_repo_is_a_sentence(tmp_path):
    away = Chunk(options=options(), overrides=(), directory=str(tmp_path / "nowhere"))
    with pytest.raises(ScalecheckError, match="the backend's machines need the repo at the same path"):
        checked_chunk(away)


def test_worker_stands_where_the_command_was_typed(app, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    before = Path.cwd()
    jobs = checked_chunk(Chunk(options=options(), overrides=(), directory=str(app.root)))
    assert jobs[0].config == "conf/train.yaml"
    assert Path.cwd() == before


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 cannot be told to leave the working directory alone")
def test_untrusted_repo_has_no_module_imported_by_a_worker(app):
    hostile = "open('hacked.txt', 'w').close()\n"
    app.write({f"{name}.py": hostile for name in ("argparse", "json", "cloudpickle", "numpy", "ast")} | {"joblib/__init__.py": hostile})
    command = (str(Path(sys.executable).with_name("scalecheck")), "check", "--config-name", "train", "seed=1,2", "--jobs", "2")
    done = app.spawn(*command, "--untrusted")
    assert done.returncode == 0, done.stderr
    assert not (app.root / "hacked.txt").exists()


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="Python 3.11 can be told so")
def test_untrusted_is_refused_where_python_cannot_be_told(app):
    done = app.cli("check", "--config-name", "train", "seed=1,2", "--jobs", "2", "--untrusted")
    assert done.returncode == 2
    assert "needs Python 3.11" in done.stderr
