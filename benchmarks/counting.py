"""How long N and C of a model take here, and by the ways of others: building the module on the meta device, accelerate, calflops.

``make benchmark`` runs it. Every measurement is a process of its own, under limits of memory and time, so that one that crashes is a row.
C is training FLOPs per token of one sequence; the reference is torch's FlopCounterMode on the module's forward pass, times 3.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).parents[1] / "tests" / "oracle" / "configs"
MODELS = {"gpt2": 1024, "llama-3-8b": 2048, "llama-3.1-405b": 2048, "deepseek-v3": 2048}  # and the tokens of a sequence
ROUNDS, OURS_REPEATS, BUILD_REPEATS = 3, 300, 3
MEMORY_BYTES, TIMEOUT_S = 12 * 2**30, 180
NEEDED = ("torch", "transformers", "accelerate", "calflops")


def ours(config: dict[str, Any], tokens: int) -> tuple[int, int]:
    """Return N and C per sequence as scalecheck counts them: the parsed config, read and accounted."""
    from scalecheck.account import ledger, totals
    from scalecheck.config_file import read_config
    from scalecheck.facts import Workload

    shape = read_config(config).shape
    if shape is None:
        message = "the config of the benchmark cannot be counted"
        raise ValueError(message)
    account = totals(ledger(shape, Workload(sequence_length=tokens)))
    return account.total_params or 0, account.training_flops_per_sequence or 0


def meta_device(config: dict[str, Any], _tokens: int) -> tuple[int, None]:
    """Return N of the module, built on torch's meta device."""
    return _params(_built_on_meta(config)), None


def flop_counter(config: dict[str, Any], tokens: int) -> tuple[int, int]:
    """Return N and C of the module on the meta device, by FlopCounterMode on its forward pass."""
    from torch.utils.flop_counter import FlopCounterMode

    model = _built_on_meta(config)
    with FlopCounterMode(display=False) as counter:
        model(**_inputs(tokens))
    return _params(model), 3 * counter.get_total_flops()


def accelerate(config: dict[str, Any], _tokens: int) -> tuple[int, None]:
    """Return N as ``accelerate estimate-memory`` does, which needs the Hub for the config: the model without head, with empty weights."""
    from accelerate import init_empty_weights
    from transformers import AutoConfig, AutoModel

    with init_empty_weights():
        model = AutoModel.from_config(AutoConfig.for_model(**config))
    return _params(model), None


def calflops(config: dict[str, Any], tokens: int) -> tuple[int, int]:
    """Return N and C as calflops counts them on the module's forward pass, on the meta device."""
    from calflops import calculate_flops

    model = _built_on_meta(config)
    flops, _macs, _params_as_float = calculate_flops(
        model=model, kwargs=_inputs(tokens), print_results=False, print_detailed=False, output_as_string=False
    )
    return _params(model), round(3 * flops)


WAYS: dict[str, Callable[[dict[str, Any], int], tuple[int, int | None]]] = {
    "scalecheck": ours,
    "meta device": meta_device,
    "meta device + FlopCounterMode": flop_counter,
    "accelerate (init_empty_weights)": accelerate,
    "calflops": calflops,
}

IMPORTS = {
    "scalecheck": ("scalecheck.account", "scalecheck.config_file"),
    "meta device": ("torch", "transformers"),
    "meta device + FlopCounterMode": ("torch", "transformers", "torch.utils.flop_counter"),
    "accelerate (init_empty_weights)": ("torch", "transformers", "accelerate"),
    "calflops": ("torch", "transformers", "calflops"),
}


def _built_on_meta(config: dict[str, Any]) -> Any:
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    built = transformers.AutoConfig.for_model(**config)
    built.use_cache = False
    # Fused attention and grouped experts are counted as 0 or not at all by the counters that are compared here.
    built._attn_implementation = "eager"  # noqa: SLF001
    built._experts_implementation = "batched_mm"  # noqa: SLF001
    with torch.device("meta"):
        return getattr(transformers, config["architectures"][0])(built).eval()


def _inputs(tokens: int) -> dict[str, Any]:
    import torch

    # A mask of four dimensions is taken as it is; transformers' own mask code reads values, which meta tensors have none of.
    mask = torch.zeros((1, 1, tokens, tokens), device="meta")
    ids = torch.zeros((1, tokens), dtype=torch.long, device="meta")
    return {"input_ids": ids, "attention_mask": mask}


def _params(model: Any) -> int:
    return sum(param.numel() for param in model.parameters())


def child(way: str, name: str) -> None:
    """Measure one way on one model in this process and print the result as JSON. Imports of libraries are not in the times."""
    config = json.loads((CONFIGS / f"{name}.json").read_text())
    for library in IMPORTS[way]:
        importlib.import_module(library)
    seconds, told = [], None
    for _ in range(OURS_REPEATS if way == "scalecheck" else BUILD_REPEATS):
        start = time.perf_counter()
        told = WAYS[way](config, MODELS[name])
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"first": seconds[0], "again": seconds[1:], "told": told}))


def measure(way: str, name: str) -> dict[str, Any]:
    """Run ``child`` in a process with a memory limit and a timeout; a crash is told in a few words."""
    start = time.perf_counter()
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-W", "ignore", __file__, "--child", way, name],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)),
        )
    except subprocess.TimeoutExpired:
        return {"crash": f"more than {TIMEOUT_S} s"}
    wall = time.perf_counter() - start
    if done.returncode:
        return {"crash": (done.stderr.strip().splitlines() or ["killed"])[-1][:110]}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result | {"wall": wall}


def rows(results: dict[tuple[str, str], list[dict[str, Any]]]) -> list[str]:
    """Return the table in Markdown: per model and way the times, the ratio of the times to ours, and the errors."""
    lines = [
        "| model | way | first time, min / median | again, min / median | x ours: first, again | whole process | error in N | error in C |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in MODELS:
        reference = next((run["told"] for run in results["meta device + FlopCounterMode", name] if "told" in run), (None, None))
        base = _times(results["scalecheck", name])
        for way in WAYS:
            runs = results[way, name]
            crash = next((run["crash"] for run in runs if "crash" in run), None)
            if crash:
                lines.append(f"| {name} | {way} | crash: {crash.replace('|', ' ')} | | | | | |")
                continue
            first, again = _times(runs)
            ratios = [statistics.median(times) / statistics.median(own) for times, own in zip((first, again), base, strict=True)]
            wall = statistics.median(run["wall"] for run in runs)
            errors = [_error(told, right) for told, right in zip(runs[0]["told"], reference, strict=True)]
            shown = "1, 1" if way == "scalecheck" else ", ".join(f"{ratio:,.0f}" for ratio in ratios)
            lines.append(f"| {name} | {way} | {_span(first)} | {_span(again)} | {shown} | {wall:.2f} s | {errors[0]} | {errors[1]} |")
    return lines


def _times(runs: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
    return [run["first"] for run in runs], [seconds for run in runs for seconds in run["again"]]


def _span(seconds: list[float]) -> str:
    return " / ".join(_readable(value) for value in (min(seconds), statistics.median(seconds)))


def _readable(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} us" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _error(told: int | None, right: int | None) -> str:
    if told is None or right is None:
        return "not told"
    return "0" if told == right else f"{told / right - 1:+.2%}"


def main() -> int:
    """Measure everything ``ROUNDS`` times, interleaved, and print the table. Returns 2 where a library is missing."""
    missing = [library for library in NEEDED if importlib.util.find_spec(library) is None]
    if missing:
        print(f"benchmarks/counting.py: error: {', '.join(missing)} is not installed here; `make benchmark` installs it.", file=sys.stderr)
        return 2
    results: dict[tuple[str, str], list[dict[str, Any]]] = {(way, name): [] for name in MODELS for way in WAYS}
    for number in range(ROUNDS):
        for (way, name), runs in results.items():
            print(f"round {number + 1} of {ROUNDS}: {way}, {name}", file=sys.stderr)
            if not any("crash" in run for run in runs):
                runs.append(measure(way, name))
    versions = ", ".join(f"{library} {importlib.metadata.version(library)}" for library in NEEDED)
    print(f"{time.strftime('%Y-%m-%d')}; Python {platform.python_version()}, {versions}; {platform.system()} {platform.machine()}\n")
    print("\n".join(rows(results)))
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        sys.exit(main())
