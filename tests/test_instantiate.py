"""Counting from the user's code, as far as it goes without torch: what a failure is called, what is refused, and that nothing leaks."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from itertools import pairwise

import pytest
from omegaconf import MissingMandatoryValue, OmegaConf
from omegaconf.errors import InterpolationKeyError

import scalecheck
from scalecheck import instantiate
from scalecheck.build_failures import Attempt, NetworkRefusedError, causes, explain, first_line
from scalecheck.errors import ConfigError
from scalecheck.facts import Unknown
from scalecheck.launch import checked_job, instantiated_job
from scalecheck.policy import load_policy

PREFIX = "hydra.callbacks.scalecheck"
ATTEMPT = Attempt(target="model", prefix=PREFIX)


class InstantiationException(Exception):
    """What Hydra raises around a failure."""


class OfflineModeIsEnabled(ConnectionError):
    """What huggingface_hub raises."""


class Unprintable(Exception):
    def __str__(self):
        raise ValueError


def raised(*chain: BaseException) -> BaseException:
    """Return the first exception, raised from the second, raised from the third."""
    for outer, inner in pairwise(chain):
        outer.__cause__ = inner
    return InstantiationException("Error in call to target 'm.Net':\nfull_key: model") if not chain else chain[0]


def wrapped(failure: BaseException) -> BaseException:
    return raised(InstantiationException("Error in call to target 'm.Net':\nfull_key: model"), failure)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ConfigError("the node has no _target_"), "model was not built: the node has no _target_"),
        (SystemExit(0), "its code ended the program (SystemExit: 0), which is no pass"),
        (SystemExit(None), "SystemExit: None"),
        (ModuleNotFoundError("No module named 'flash_attn'", name="flash_attn"), "it needs flash_attn, which is not installed here"),
        (ModuleNotFoundError("No module named 'json.Net'; 'json' is not a package", name="json.Net"), "there is no json.Net"),
        (ImportError("libcudart.so.12: cannot open shared object file: No such file or directory"), "a compiled package cannot be loaded"),
        (OSError("/opt/x/libtorch_cuda.so: undefined symbol: _Z3foo"), "/opt/x/libtorch_cuda.so"),
        (AssertionError("Torch not compiled with CUDA enabled"), "it needs a CUDA device"),
        (RuntimeError("Found no NVIDIA driver on your system. Please check"), "it needs a CUDA device"),
        (TypeError("Net.__init__() missing 2 required positional arguments: 'vocab' and 'rank'"), "Net needs 'vocab' and 'rank'"),
        (TypeError("build() missing 1 required keyword-only argument: 'device'"), "build needs 'device', which the config does not give"),
        (MissingMandatoryValue("Missing mandatory value: model.dim"), "a value that it needs is not set (Missing mandatory value: model.dim)"),
        (InterpolationKeyError("Interpolation key 'a.b' not found"), "does not resolve (Interpolation key 'a.b' not found)"),
        (RuntimeError("Tensor.item() cannot be called on meta tensors"), "its constructor reads values of a tensor"),
        (NotImplementedError("Cannot copy out of meta tensor; no data!"), "its constructor reads values of a tensor"),
        (OfflineModeIsEnabled("Cannot reach https://hub"), "it wanted to download (Cannot reach https://hub)"),
        (ValueError("depth must be even\nand more"), "model was not built: ValueError: depth must be even"),
        (KeyError(), "model was not built: KeyError: it says nothing more"),
        (Unprintable(), "model was not built: Unprintable: it says nothing more"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)  # fmt: skip
@pytest.mark.parametrize("wrap", [lambda failure: failure, wrapped], ids=["bare", "by_hydra"])
def test_every_failure_is_one_sentence(failure, said, wrap):
    if isinstance(failure, ConfigError) and wrap is wrapped:
        wrap = raised  # ours never pass through Hydra
    sentence = explain(wrap(failure), ATTEMPT)
    assert said in sentence
    assert sentence.startswith("model was not built: ")
    assert "\n" not in sentence
    assert len(sentence) < 600


def test_host_that_was_wanted_explains_whatever_was_raised():
    attempt = Attempt(target="model", prefix=PREFIX, hosts=("hub.example", "hub.example", "10.0.0.1"))
    for failure in (OSError("We couldn't connect"), NetworkRefusedError(), wrapped(ValueError("no file"))):
        assert "it wanted to reach hub.example, 10.0.0.1, and counting downloads nothing" in explain(failure, attempt)


def test_long_text_is_cut():
    assert len(first_line(ValueError("x" * 10_000))) == 240


def test_circle_of_causes_ends():
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    assert causes(one) == [one, other]


def test_context_that_was_suppressed_is_no_cause():
    try:
        try:
            raise ModuleNotFoundError("No module named 'optional'", name="optional")  # noqa: TRY301 - it is the cause
        except ModuleNotFoundError:
            raise ValueError("depth must be even") from None
    except ValueError as failure:
        assert explain(failure, ATTEMPT) == "model was not built: ValueError: depth must be even"


# --- without torch


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(instantiate, "_counted", {})


def test_missing_torch_is_one_sentence_and_the_users_code_is_not_run(no_torch):
    config = OmegaConf.create({"model": {"_target_": "sys.exit"}})
    found = instantiate.count_built(config, "model", PREFIX, 32)
    assert found == Unknown(
        field="module", key="model", reason="model was not built: torch is not installed here, and count: instantiate needs it"
    )


def test_missing_torch_leaves_the_formula(no_torch):
    config = OmegaConf.create({"model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 64, "vocab_size": 512}})
    job = instantiated_job(config, load_policy(None), PREFIX, name="", overrides=())
    assert job.run.account.total_params is not None
    assert job.run.account.formula_params is None
    assert any("torch is not installed" in finding.message and finding.severity == "note" for finding in job.findings)


@pytest.mark.parametrize(("count", "unknown"), [("formula", 0), ("instantiate", 1)])
def test_checked_job_never_builds_and_says_so_where_the_policy_asks(no_torch, monkeypatch, count, unknown):
    monkeypatch.setattr(instantiate, "count_built", None)  # it would fail
    config = OmegaConf.create({"model": {"_target_": "sys.exit"}})
    job = checked_job(config, load_policy({"count": count}), PREFIX, name="", overrides=())
    assert sum("--instantiate" in item.reason for item in job.run.reading.unknowns if item.field == "module") == unknown


def test_what_was_found_is_remembered_by_node_and_by_length(no_torch):
    config = OmegaConf.create({"model": {"_target_": "x.Y", "dim": "${dim}"}, "dim": 1, "seed": 1})
    found = instantiate.count_built(config, "model", PREFIX, 32)
    assert instantiate.recall(OmegaConf.merge(config, {"seed": 2}), "model", 32) is found
    assert instantiate.recall(OmegaConf.merge(config, {"dim": 2}), "model", 32) is not found
    assert instantiate.recall(config, "model", 64) is not found
    assert "not built again in a job" in instantiate.recall(config, "model", 64).reason


def test_what_does_not_resolve_is_not_remembered(no_torch):
    config = OmegaConf.create({"model": {"_target_": "x.Y", "dim": "${nowhere}"}})
    assert isinstance(instantiate.count_built(config, "model", PREFIX, 32), Unknown)
    assert instantiate._counted == {}


def test_importing_scalecheck_imports_no_torch_for_count_parameters():
    assert scalecheck.count_parameters.__doc__
    program = (
        "import sys, scalecheck, scalecheck.launch\n"
        "print(sorted({'torch', 'numpy', 'scalecheck.instantiate', 'scalecheck.module_count'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the network


def test_network_is_refused_noted_and_given_back():
    before, hosts = (socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex), []
    with instantiate._without_network(hosts):
        with pytest.raises(ConnectionRefusedError, match=r"hub\.example"):
            socket.create_connection(("hub.example", 443), timeout=1)
        with socket.socket() as direct, pytest.raises(ConnectionRefusedError):
            direct.connect(("127.0.0.1", 9))
        with socket.socket() as direct, pytest.raises(ConnectionRefusedError):
            direct.connect_ex(("127.0.0.1", 9))
        with pytest.raises(NetworkRefusedError):  # a library that does not stop asking
            for _ in range(10):
                with pytest.raises(ConnectionRefusedError):
                    socket.getaddrinfo("hub.example", 443)
    assert set(hosts) == {"hub.example", "127.0.0.1"}
    assert (socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex) == before
    assert not {"connect", "connect_ex"} & set(vars(socket.socket))


def test_network_of_other_threads_goes_on():
    """A logger's thread that ran before keeps its connection; one that the user's code starts has none."""
    server = socket.create_server(("127.0.0.1", 0))
    address, results, start = server.getsockname(), {}, threading.Event()

    def connect(name: str) -> None:
        start.wait(10)
        try:
            with socket.create_connection(address, timeout=5):
                results[name] = "connected"
        except ConnectionRefusedError:
            results[name] = "refused"

    earlier = threading.Thread(target=connect, args=("earlier",))
    earlier.start()
    with instantiate._without_network([]):
        later = threading.Thread(target=connect, args=("later",))
        later.start()
        start.set()
        for thread in (earlier, later):
            thread.join(10)
    server.close()
    assert results == {"earlier": "connected", "later": "refused"}


def test_another_guard_on_the_network_is_put_back(monkeypatch):
    def guard(self, address):
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", guard)
    with instantiate._without_network([]):
        assert socket.socket.connect is not guard
    assert vars(socket.socket)["connect"] is guard
