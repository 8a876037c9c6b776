"""A variable's value is shown in no sentence; and what is shown all the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from scalecheck import cli, redaction
from scalecheck.facts import Account, Finding, Job, Origin, Reading, Remedy, Run, TrainingPlan, Unknown, Unreadable
from scalecheck.redaction import mentioned, note, note_defaults, note_leaf, redacted, secrets, without_values
from scalecheck.views import ConfigView

TOKEN = "ghp_S3cretValueOfSomebody42"
SHOWN = "${oc.env:TOKEN}"


@pytest.fixture(autouse=True)
def _nothing_is_noted():
    redaction.forget()
    yield
    redaction.forget()


# --- which variables a config mentions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a: ${oc.env:TOKEN}", {"TOKEN"}),
        ("a: ${oc.decode:${oc.env:X}}", {"X"}),
        ("a: x${oc.env:A}y${oc.env:B,default}", {"A", "B"}),
        ("a: ${ oc.env : 'C' }", {"C"}),
        ("a: ${oc.env:D,${oc.env:E,1}}", {"D", "E"}),
        ("a: ${oc.envy:X}", set()),
        ("a: ${env:X}", set()),
        ("oc.env is a resolver", set()),
        ("a: ${oc.env:${name}}", set()),  # which one it is is noted when it is read
    ],
)
def test_names_that_a_text_mentions(text, names):
    assert mentioned([text, "b: 1"]) == names


def test_secrets_are_those_that_are_set():
    assert secrets(["${oc.env:TOKEN} ${oc.env:NOT_SET}"], {"TOKEN": "x", "OTHER": "y"}) == {"TOKEN": "x"}


# --- texts


def test_nothing_changes_where_nothing_was_noted():
    text = f"{TOKEN} 123456"
    assert redacted(text) is text
    finding = Finding(rule="r", message=text)
    assert without_values(finding) is finding


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"x{TOKEN}y",
        f"{TOKEN.upper()} and {TOKEN.lower()}",
        f"model.name={TOKEN!r}; it must be another",
        f"conf/model/{TOKEN}.yaml:7",
        f"{TOKEN[:57]}... is cut",
        f"'{TOKEN[:20]}...",
        f"line={TOKEN[:12]} needs more",
        f"it ends in {TOKEN[:5]}",
    ],
)
def test_value_is_hidden_whole_and_cut_short(text):
    note("TOKEN", TOKEN)
    hidden = redacted(text)
    assert SHOWN in hidden
    assert TOKEN[:5].lower() not in hidden.lower()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(min_size=8, max_size=60), st.text(max_size=8), st.text(max_size=8), st.sampled_from(["{}", "{!r}", "{!a}"]))
def test_any_value_is_hidden_in_any_text(value, before, after, form):
    assume(redaction._number_of(value) is None)
    assume(len(value.strip()) >= 4 and value.strip().lower() not in redaction._WORDS)  # the tool's own words are shown
    redaction.forget()
    note("TOKEN", value)
    written = form.format(value)
    inner = written if form == "{}" else written[1:-1]
    hidden = redacted(f"{before} {written} {after}")
    assert SHOWN in hidden
    assert inner not in hidden.replace(SHOWN, "") or inner in f"{before} " or inner in f" {after}"


def test_value_of_several_lines_is_hidden_as_one_line_and_line_by_line():
    note("TOKEN", "-----BEGIN KEY-----\nabcdefgh1234\n")
    assert redacted("failed: -----BEGIN KEY----- abcdefgh1234 here") == f"failed: {SHOWN} here"
    assert redacted("failed: abcdefgh1234") == f"failed: {SHOWN}"


def test_what_a_value_decodes_to_is_hidden():
    note("TOKEN", '{user: somebody, "password": "hunter2hunter2", n: 5}')
    assert redacted("there is no 'somebody' with hunter2hunter2 and 5") == f"there is no '{SHOWN}' with {SHOWN} and 5"


def test_longer_value_goes_first_and_what_is_shown_is_not_looked_through_again():
    note("TOKEN", "somebody")
    note("BOTH", "somebody-else")
    note("NAME", "TOKEN")
    assert redacted("somebody-else, somebody, TOKEN") == "${oc.env:BOTH}, ${oc.env:TOKEN}, ${oc.env:NAME}"
    assert redacted("already ${oc.env:TOKEN}") == "already ${oc.env:TOKEN}"


def test_short_value_is_hidden_as_a_word_of_its_own():
    note("TOKEN", "data")
    assert redacted("the database of data") == f"the database of {SHOWN}"


@pytest.mark.parametrize("value", ["", "a", "ddp", "true", "warn", "strict", "8", "4096"])
def test_what_tells_nothing_spoils_no_other_sentence(value):
    note("TOKEN", value)
    text = "warn: a strict run on 8 devices of 4096 tokens, ddp=true"
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("value", "text", "hidden"),
    [
        ("4096", "trainer.max_steps is 4096; num_steps", "trainer.max_steps is ${steps}; num_steps"),
        ("-5", "trainer.max_steps is -5; num_steps", "trainer.max_steps is ${steps}; num_steps"),
        ("4096", "several keys could tell: trainer.max_steps=4,096, b=5", "several keys could tell: trainer.max_steps=${steps}, b=5"),
        ("abc", "trainer.max_steps is 'abc'; num_steps", "trainer.max_steps is ${steps}; num_steps"),
        ("4096", "other.trainer.max_steps is 4096", "other.trainer.max_steps is 4096"),
        ("4096", "trainer.max_steps is 40967", "trainer.max_steps is 40967"),
    ],
)
def test_short_value_is_hidden_as_the_value_of_its_key(value, text, hidden):
    note("STEPS", value)
    note_leaf("trainer.max_steps", value, "${steps}")
    assert redacted(text) == hidden


@pytest.mark.parametrize("written", ["8675309", "8,675,309", "8_675_309", "8675309.0", "+8675309"])
def test_number_of_five_digits_is_hidden_however_it_is_written(written):
    note("TOKEN", "8675309")
    assert redacted(f"it is {written}, and 18675309") == f"it is {SHOWN}, and 18675309"


def test_beginning_of_another_path_is_no_value():
    note("DATA", "/home/mia/data")
    assert redacted("/home/mia/conf/train.yaml:7") == "/home/mia/conf/train.yaml:7"
    assert redacted("/home/mia/data/dict.txt") == "${oc.env:DATA}/dict.txt"


def test_defaults_lists_alone_are_looked_through():
    text = "defaults:\n- model: ${oc.env:MODEL}\n  # more\n- _self_\nuser: ${oc.env:USER}\n"
    note_defaults([text], {"MODEL": "secret-model", "USER": "somebody"})
    assert redacted("conf/secret-model.yaml of somebody") == "conf/${oc.env:MODEL}.yaml of somebody"


def test_leaves_of_a_long_sweep_are_bounded():
    for number in range(redaction.MAX_LEAVES + 10):
        note_leaf(f"k{number}", "value", "${x}")
    assert len(redaction._NOTED.leaves) == redaction.MAX_LEAVES


# --- values of facts/


def test_sentences_of_a_job_are_hidden_and_its_numbers_stay():
    note("TOKEN", TOKEN)
    note("STEPS", "100000")
    finding = Finding(
        rule="unknown_scale", message=f"it is {TOKEN}", severity="note", remedies=(Remedy(overrides=(f"x={TOKEN}",), effect=TOKEN),),
        origin=Origin(key="x", file=f"conf/{TOKEN}.yaml", chain=(TOKEN,)), subject="x",
    )  # fmt: skip
    reading = Reading(
        plan=TrainingPlan(num_steps=100000, intent_reason=TOKEN),
        unknowns=(Unknown(field="x", reason=TOKEN, key=TOKEN, remedies=(TOKEN,)),),
        origins={"num_steps": Origin(key="trainer.max_steps", because=f"{TOKEN} = 100000")},
    )
    job = Job(name="train", overrides=(f"+x={TOKEN}",), run=Run(reading=reading, account=Account()), findings=(finding,), verdict="warn")
    hidden = without_values(job)
    assert TOKEN not in repr(hidden)
    assert repr(hidden).count(SHOWN) == repr(job).count(TOKEN)
    assert hidden.run.reading.plan.num_steps == 100000
    assert "100000" not in hidden.run.reading.origins["num_steps"].because
    assert (hidden.findings[0].rule, hidden.verdict, hidden.findings[0].severity) == ("unknown_scale", "warn", "note")


# --- what the view notes


@pytest.fixture
def view(monkeypatch):
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("STEPS", "1000")
    return lambda text: ConfigView(OmegaConf.create(text))


@pytest.mark.parametrize(
    "text",
    [
        "a: ${oc.env:TOKEN}",
        "a: x${oc.env:TOKEN}y",
        "a: ${b}\nb: ${oc.env:TOKEN}",
        "a: ${oc.env:${name}}\nname: TOKEN",
        "a: ${oc.decode:${oc.env:TOKEN}}",
        "a: ${oc.select:b}\nb: ${oc.env:TOKEN}",
        "a: ${oc.env:NOT_SET,${oc.env:TOKEN}}",
    ],
)
def test_value_that_is_read_is_the_real_one_and_is_shown_by_no_sentence(view, text):
    assert TOKEN in view(text).get("a")
    assert "${" in redacted(f"a is {view(text).get('a')}")
    assert TOKEN not in redacted(f"it is {view(text).get('a')}")


@pytest.mark.parametrize(
    "text",
    [
        "a: ${b.${oc.env:TOKEN}}\nb: {}",
        "a: ${${oc.env:TOKEN}:1}",
        "a: ${oc.env:NOT_SET_${oc.env:TOKEN}}",
        "a: ${oc.decode:'[${oc.env:TOKEN}'}",
        "a: ${oc.create:${oc.env:TOKEN}}\n",
        "a: ${oc.dict.keys:${oc.env:TOKEN}}",
        "a: ${b:${oc.env:TOKEN}}",
    ],
)
def test_value_in_omegaconfs_own_sentences_is_hidden(view, text):
    value = view(text).get("a")
    assert TOKEN not in str(value.reason if isinstance(value, Unreadable) else redacted(str(value)))
    assert TOKEN[:8].lower() not in str(value.reason if isinstance(value, Unreadable) else "").lower()


def test_default_of_a_variable_that_is_not_set_is_config_text(view):
    assert view("a: ${oc.env:NOT_SET,gelu_new}").get("a") == "gelu_new"
    assert redacted("a is gelu_new") == "a is gelu_new"


def test_numbers_stay_exact(view):
    assert view("a: ${oc.decode:${oc.env:STEPS}}").get("a") == 1000
    assert redacted("a is 1000; 1000 tokens") == "a is ${oc.decode:${oc.env:STEPS}}; 1000 tokens"


def test_resolver_of_others_that_is_registered_later_is_not_touched(view):
    view("a: 1")
    OmegaConf.clear_resolvers()
    assert view("a: ${oc.env:TOKEN}").get("a") == TOKEN
    assert redacted(TOKEN) == SHOWN


# --- every output

LEAKY = """
defaults: [{model: small}, {trainer: default}, _self_, {scalecheck: default}]
secret: ${oc.env:TOKEN}
data: {batch_size: "${secret}", seq_len: "x${oc.env:TOKEN}y"}
trainer: {max_steps: "${oc.decode:${oc.env:PIN}}", devices: "${oc.decode:'[${oc.env:TOKEN}'}"}
tokenizer: {name_or_path: "/nowhere/${oc.env:TOKEN}"}
hydra: {job: {env_copy: [TOKEN], env_set: {A: "${oc.env:TOKEN}"}}}
"""
POLICIES = (
    "+hydra.callbacks.scalecheck.read.num_steps='${oc.env:TOKEN}'", "+hydra.callbacks.scalecheck.read.num_steps=secret*2",
    "hydra.callbacks.scalecheck.law='${oc.env:TOKEN}'", "hydra.callbacks.scalecheck.mode='${oc.env:TOKEN}'", "+hydra.callbacks.scalecheck.${oc.env:TOKEN}=1",
    "hydra.callbacks.scalecheck.law='conf/${oc.env:TOKEN}.yaml'", "model.n_layer='${oc.env:TOKEN}'", "model.vocab_size='${secret.${oc.env:TOKEN}}'",
    "model='${oc.env:TOKEN}'", "hydra.callbacks.scalecheck='${oc.env:TOKEN}'",
)  # fmt: skip


@pytest.fixture
def leaky(app, monkeypatch):
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("PIN", "-8675309")
    monkeypatch.chdir(app.root)
    app.write({"conf/train.yaml": LEAKY})
    return app


def seen_to_be_hidden(said):
    assert "Traceback" not in said
    assert "internal error" not in said
    assert TOKEN[:8] not in said
    assert "8675309" not in said.replace(",", "")


@pytest.mark.extended
@pytest.mark.parametrize("typed", ["", *POLICIES])
@pytest.mark.parametrize("command", ["check", "explain", "count"])
def test_no_command_shows_the_value(command, typed, leaky, capsys):
    words = [typed] if typed else []
    for form in ("terminal", "json"):
        cli.main([command, "--config-name", "train", "--format", form, *words])
        said = capsys.readouterr()
        seen_to_be_hidden(said.out + said.err)


@pytest.mark.parametrize("typed", ["hydra.callbacks.scalecheck.verbose=true", "hydra.callbacks.scalecheck.mode='${oc.env:TOKEN}'"])
def test_no_launch_shows_the_value(typed, leaky):
    done = leaky.run(typed)
    said = [line for line in done.stderr.splitlines() if "UserWarning" not in line]
    seen_to_be_hidden("\n".join([*said, *(path.read_text() for path in leaky.root.rglob("scalecheck.json"))]))
