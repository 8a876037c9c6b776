"""Bad configs and bad policies: one clear sentence, never a traceback, never a started run that should have been stopped."""

from __future__ import annotations

import pytest

STRICT = "scalecheck=strict"
NODE = "hydra.callbacks.scalecheck"


@pytest.mark.extended
@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("trainer.max_steps=0", "trainer.max_steps"),
        ("trainer.max_steps=-5", "trainer.max_steps"),
        ("trainer.max_steps=nan", "trainer.max_steps"),
        ("trainer.max_steps=many", "trainer.max_steps"),
        ("trainer.max_steps=[1,2]", "trainer.max_steps"),
        ("trainer.max_steps=1e400", "trainer.max_steps"),
        ("trainer.max_steps=1" + "0" * 400, "trainer.max_steps"),
        ("model.n_layer=0", "model.n_layer"),
        ("model.n_layer=-2", "model.n_layer"),
        ("model.n_embd=inf", "model.n_embd"),
        ("model.n_embd=wide", "model.n_embd"),
        ("model.n_embd=[64]", "model.n_embd"),
        ("model.n_embd=1" + "0" * 400, "model.n_embd"),
        ("model.n_head=7", "n_head"),
        ("data.batch_size=-1", "data.batch_size"),
    ],
)
def test_impossible_value_stops_a_strict_launch_naming_the_key(app, override, key):
    done = app.run(STRICT, override)
    assert done.returncode == 3, done.stderr
    assert key in done.stderr
    assert "Traceback" not in done.stderr
    assert app.left_on_disk == set()


@pytest.mark.parametrize(
    ("override", "missing"),
    [
        ("data.seq_len=???", "sequence"),
        ("~trainer.max_steps", "steps"),
        pytest.param("~data.batch_size", "batch", marks=pytest.mark.extended),
        pytest.param("~model.vocab_size", "vocab_size", marks=pytest.mark.extended),
    ],
)
def test_missing_value_is_unknown_names_what_would_tell_and_the_run_goes_on(app, override, missing):
    done = app.run(override)
    assert done.returncode == 0, done.stderr
    assert app.trained == 1
    assert missing in done.stderr
    assert "[unknown_scale]" in done.stderr


MORE_LEAVES = ("${hydra:runtime.choices.nothing}", "${oc.env:NOT_SET_ANYWHERE}", "${dead.reference}")


@pytest.mark.parametrize(
    "leaf", ["${no_such_resolver:1}", "${b}", "???", *(pytest.param(leaf, marks=pytest.mark.extended) for leaf in MORE_LEAVES)]
)
def test_leaf_that_does_not_resolve_never_breaks_the_others(app, leaf):
    app.write({"conf/train.yaml": f"""
        defaults: [{{model: small}}, {{trainer: default}}, _self_, {{scalecheck: default}}]
        data: {{batch_size: 32, seq_len: 1024, other: "{leaf}"}}
        a: ${{b}}
        b: ${{a}}
        run_name: "{leaf}"
        """})  # fmt: skip
    done = app.run()
    assert done.returncode == 0, done.stderr
    assert "scalecheck: pass" in done.stderr


def test_recursive_interpolation_makes_only_its_own_field_unknown(app):
    done = app.run("trainer.max_steps=${loop}", "+loop=${trainer.max_steps}")
    assert "[unknown_scale]" in done.stderr
    assert "Traceback" not in done.stderr


BROKEN = (
    ("rules: {undertraind: {severity: error}}", "undertrained"),
    ("modus: stop", "mode"),
    ("rules: {undertrained: {min_multipel: 0.5}}", "min_multiple"),
    ("law: besiroglu2042", "besiroglu2024"),
    ("mode: stopp", "stop"),
    ("rules: {over_budget: {max_training_flops: lots}}", "max_training_flops"),
    ("rules: {over_budget: {sweep: {max_training_flop: 1}}}", "max_training_flops"),
    ("read: {num_step: trainer.max_steps}", "num_steps"),
    ("read: {num_steps: 'trainer.max_steps +'}", "num_steps"),
)
FIRST = {"run": BROKEN[:1] + BROKEN[3:4] + BROKEN[5:6] + BROKEN[8:], "sweep": BROKEN[:1]}
"""An unknown rule, a law, a value and an expression; the others are launched by the extended tests, and tests/test_policy.py reads more."""


@pytest.mark.parametrize(
    ("kind", "policy", "named"),
    [
        (kind, *one) if one in FIRST[kind] else pytest.param(kind, *one, marks=pytest.mark.extended)
        for kind in ("run", "sweep")
        for one in BROKEN
    ],
)
def test_broken_policy_stops_and_names_the_key_and_the_nearest(app, kind, policy, named):
    arguments = ("-m", "seed=1,2") if kind == "sweep" else ()
    app.write({"conf/scalecheck/ours.yaml": f"""
        # @package _global_
        defaults: [strict, _self_]
        hydra: {{callbacks: {{scalecheck: {{{policy}}}}}}}
        """})  # fmt: skip
    done = app.run(*arguments, "scalecheck=ours")
    assert done.returncode == 3, done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert app.left_on_disk == set()


@pytest.mark.parametrize("value", ["[1,2]", *(pytest.param(value, marks=pytest.mark.extended) for value in ("strict", "3"))])
def test_policy_that_is_no_mapping_never_starts_a_run_silently(app, value):
    """Hydra drops such a node before any callback exists; the launch must fail or be named by the command line."""
    app.write({"conf/scalecheck/ours.yaml": f"""
        # @package _global_
        defaults: [strict, _self_]
        hydra: {{callbacks: {{scalecheck: {value}}}}}
        """})  # fmt: skip
    done = app.run("scalecheck=ours")
    assert done.returncode != 0, done.stderr
    assert app.trained == 0


def test_our_own_bug_is_said_and_does_not_decide_the_launch(app):
    app.write({"sitecustomize.py": "import sys\nsys.modules['scalecheck.extract'] = None\n"})
    environ = {"PYTHONPATH": str(app.root)}
    warned = app.run(env=environ)
    assert warned.returncode == 0
    assert app.trained == 1
    assert "on_internal_error=warn" in warned.stderr
    stopped = app.run(f"{NODE}.on_internal_error=stop", env=environ)
    assert stopped.returncode == 3
    assert app.trained == 1
