"""The jobs of a repo in several processes, by joblib: on this machine, or on whatever cluster a backend that is registered with it has.

What travels to a process is a ``Chunk``, the words that a few jobs are composed from; what comes back are checked jobs, in order.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from scalecheck.composing import checked, composed, jobs_of
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.facts import Job
from scalecheck.text import shown
from scalecheck.values import dataclass

DEFAULT_BACKEND = "loky"
DASK_ADDRESS = "DASK_SCHEDULER_ADDRESS"
_SAFE_PATH = "PYTHONSAFEPATH"
_LARGEST_CHUNK = 100
_CHUNKS_PER_WORKER = 4
_ONE_HYDRA = threading.Lock()
"""A process has one Hydra, and threads of a backend would take it from each other."""

Numbered = tuple[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some jobs of one check, as words: the options and overrides of its config, and of a sweep which jobs; ``None``: a single run."""

    options: argparse.Namespace
    overrides: tuple[str, ...]
    numbered: tuple[Numbered, ...] | None = None
    directory: str = ""


def chunks_of(
    options: argparse.Namespace, overrides: Sequence[str], sweep: Sequence[Sequence[str]] | None, workers: int
) -> Iterator[Chunk]:
    """Cut the jobs of one check into chunks: as few as keep all workers busy, for each composes the sweep's own config anew."""
    here, typed = os.getcwd(), tuple(overrides)  # noqa: PTH109 - a text
    if sweep is None:
        yield Chunk(options=options, overrides=typed, directory=here)
        return
    size = max(1, min(_LARGEST_CHUNK, -(-len(sweep) // (workers * _CHUNKS_PER_WORKER))))
    numbered = [(number, tuple(job)) for number, job in enumerate(sweep)]
    for first in range(0, len(numbered), size):
        yield Chunk(options=options, overrides=typed, numbered=tuple(numbered[first : first + size]), directory=here)


def checked_chunk(chunk: Chunk) -> list[Job]:
    """Compose and check some jobs; runs in a process of its own.

    Raises:
        ScalecheckError: one of them cannot be composed, which is named, or the repo is not on this machine.
    """
    with _ONE_HYDRA, _inside(chunk.directory), composed(chunk.options, chunk.overrides) as main:
        from scalecheck.sweep import lightened

        jobs = [checked(job, instantiate=chunk.options.instantiate) for job in jobs_of(main, chunk.numbered)]
        return [lightened(job, number) for job, (number, _) in zip(jobs, chunk.numbered, strict=True)] if chunk.numbered else jobs


@contextmanager
def _inside(directory: str) -> Iterator[None]:
    """Stand in the directory that the command was typed in."""
    before = os.getcwd()  # noqa: PTH109 - a text
    if before == directory:
        yield
        return
    try:
        os.chdir(directory)
    except OSError as failure:
        message = f"a worker cannot enter {directory}: {failure.strerror}; the backend's machines need the repo at the same path."
        raise ScalecheckError(message) from failure
    try:
        yield
    finally:
        os.chdir(before)


def in_processes(chunks: Sequence[Chunk], workers: int, backend: str | None) -> Iterator[Job]:
    """Yield the jobs of all chunks in their order, while ``workers`` processes compose and check those that follow.

    Raises:
        ScalecheckError: joblib or the backend is not there, a job fails, or a worker was killed.
    """
    joblib = _imported("joblib", "--jobs needs joblib: pip install 'scalecheck[ci]', or leave --jobs out.")
    untrusted = any(chunk.options.untrusted for chunk in chunks)
    with _repo_off_the_path(untrusted=untrusted), _using(joblib, backend or DEFAULT_BACKEND, workers):
        # Only so many chunks are under way as keep the workers busy, and of what is done nothing is kept here.
        streams = getattr(joblib.parallel.get_active_backend()[0], "supports_return_generator", False)
        run = joblib.Parallel(batch_size=1, pre_dispatch="2*n_jobs", return_as="generator" if streams else "list")
        try:
            for jobs in run(joblib.delayed(checked_chunk)(chunk) for chunk in chunks):
                yield from jobs
        except BrokenExecutor as failure:
            message = "a worker process was killed, as by a machine that is out of memory: try fewer --jobs."
            raise ScalecheckError(message) from failure


@contextmanager
def _using(joblib: ModuleType, backend: str, workers: int) -> Iterator[None]:
    with _registered(joblib, backend), joblib.parallel_config(backend=backend, n_jobs=workers):
        yield


@contextmanager
def _registered(joblib: ModuleType, backend: str) -> Iterator[None]:
    """See to it that joblib knows a backend."""
    if backend == "ray":
        _imported("ray.util.joblib", "--backend ray needs ray: pip install ray.").register_ray()
    if backend == "dask":
        with _dask_client():
            yield
        return
    known = {*joblib.parallel.BACKENDS, *joblib.parallel.EXTERNAL_BACKENDS, "ray"}
    if backend not in known:
        message = f"joblib knows no backend {shown(backend)}.{did_you_mean(backend, known)}"
        raise ScalecheckError(message)
    yield


@contextmanager
def _dask_client() -> Iterator[None]:
    """Connect with the scheduler that the environment names, unless this process has a client already."""
    distributed = _imported("distributed", "--backend dask needs dask.distributed: pip install 'dask[distributed]'.")
    try:
        distributed.get_client()
    except ValueError:
        address = os.environ.get(DASK_ADDRESS)
        if not address:
            message = f"--backend dask needs a client, and there is none: set {DASK_ADDRESS} to its scheduler, such as tcp://host:8786."
            raise ScalecheckError(message) from None
        with _client_of(distributed, address):
            yield
    else:
        yield


def _client_of(distributed: ModuleType, address: str) -> Any:
    try:
        return distributed.Client(address)
    except (OSError, ValueError) as failure:
        message = f"{DASK_ADDRESS} is {shown(address)}, and no scheduler answers there: {type(failure).__name__}."
        raise ScalecheckError(message) from failure


def _imported(name: str, sentence: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as failure:
        raise ScalecheckError(sentence) from failure


@contextmanager
def _repo_off_the_path(*, untrusted: bool) -> Iterator[None]:
    """Let no module of the repo be taken for one of Python's or joblib's when a worker starts: it starts in the repo's directory.

    Raises:
        ScalecheckError: the repo is not trusted, and Python 3.10 cannot be told so.
    """
    if untrusted and sys.version_info < (3, 11):
        message = "--untrusted with --jobs needs Python 3.11 or newer, for a worker would look for modules in this repo: leave --jobs out."
        raise ScalecheckError(message)
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before
