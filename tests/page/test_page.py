"""A report as a page: what stands on it, and that nothing of a config is markup, runs, or is fetched."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
from lxml import html

from scalecheck import page, registry
from scalecheck.drawing.canvas import INSTALL
from scalecheck.drawing.scene import Picture, Table
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Account, Finding, Job, Origin, Outlook, Reading, Remedy, Report, Run, TrainingPlan, Unknown
from scalecheck.page import drawings, jobs
from scalecheck.page.content import sentence
from scalecheck.page.template import content_security_policy
from scalecheck.report_file import report_of

HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg onload=alert(1)>", "</title></style></script><b>x", "</details><h1>x",
    "<!--", "]]>", "{{ 7*7 }}{% raw %}", "&lt;script&gt;", "$x_1$ \\alpha", "\u202eabc\u2066", "שלום مرحبا", "\x00\x08\x1b[31m", "\ud800",
    "javascript:alert(1)", "http://evil.example/x.png", "a" * 10_000, "<" * 10_000,
)  # fmt: skip
OWN_TAGS = {
    "html", "head", "meta", "title", "link", "style", "body", "main", "header", "h1", "h2", "h3", "h4", "span", "bdi", "p", "a", "dl", "dt", "dd", "div",
    "section", "figure", "figcaption", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "code", "button", "pre",
    "article", "footer", "script", "strong", "br", "svg", "g", "path", "use", "defs", "text", "tspan", "clippath", "rect", "image",
}  # fmt: skip


def drawn(text):
    """Return a picture with a text in every place that has one."""

    def draw(canvas):
        axes = canvas.axes()
        canvas.points(axes, [(1, 1), (2, 2)], [text, f"{text} 2"], role="warn")
        canvas.text(axes, (1, 1), text[:40])

    table = Table(head=("what", text), rows=((text, text),))
    return Picture(name="drawn", title=text, description=text, table=table, draw=draw, notes=(text,))


@pytest.fixture
def pictures(monkeypatch):
    """``pictures(*functions)`` are then the only pictures there are."""

    def chosen(*functions):
        modules = [
            SimpleNamespace(ORDER=-number, picture=one, __name__=f"scalecheck.pictures.one_{number}")
            for number, one in enumerate(functions)
        ]
        whole = registry.load_all
        monkeypatch.setattr(registry, "load_all", lambda folder: tuple(modules) if folder == "pictures" else whole(folder))

    return chosen


def hostile_report(text):
    origin = Origin(key=text, file=text, line=3, override=text, chain=(text,), because=text)
    remedies = (Remedy(overrides=(text, "b=2"), effect=text), Remedy(effect=text))
    bad = Finding(rule=text, severity="error", message=text, remedies=remedies, origin=origin, subject=text)
    kept = Finding(rule="repeated_data", severity="warning", message=text, origin=origin, waived=text)
    unknown = Unknown(field=text, reason=text, key=text, remedies=(text,))
    reading = Reading(plan=TrainingPlan(intent_reason=text, intent=text), origins={text: origin, "num_steps": origin}, unknowns=(unknown,))
    outlook = Outlook(
        law=text, params=1e9, params_convention=text, law_flops=1e20, optimal_params=1e9, optimal_tokens=2e10, tokens_per_parameter=20,
        multiple=0.5, tokens_for_this_model=2e10,
    )  # fmt: skip
    run = Run(reading=reading, account=Account(training_flops_because=text, flops_note=text), judge=text, outlooks={text: outlook})
    first = Job(name=text, overrides=(f"a={text}",), run=run, findings=(bad, kept), verdict="stop", config=text)
    second = Job(name="1", overrides=(text,), run=run, findings=(bad,), verdict="stop", config=text)
    return Report(jobs=(first, second), findings=(Finding(rule="over_budget", severity="warning", message=text),), verdict="stop")


def checked(made):
    """Return the parsed page; every element and attribute must be one of ours, and nothing may be fetched or run."""
    tree = html.document_fromstring(made)
    scripts = tree.findall(".//script")
    assert len(scripts) == 1
    for node in tree.iter():
        assert isinstance(node.tag, str), "no comment"
        assert node.tag.lower() in OWN_TAGS, node.tag
        for name, value in node.attrib.items():
            assert not name.lower().startswith("on"), (node.tag, name)
            if name in ("src", "xlink:href") or (name == "href" and node.tag != "a"):
                assert value.startswith(("#", "data:")), (node.tag, value)
            if name == "href" and node.tag == "a":
                assert value.startswith(("#", "https://arxiv.org/abs/"))
            if name in ("style", "clip-path", "fill"):
                assert not re.search(r"url\((?!#)", value)
    for style in tree.findall(".//style"):
        assert "url(" not in style.text
        assert "@import" not in style.text
    return tree


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_of_a_config_is_text(text, pictures):
    pictures(lambda report: drawn(report.jobs[0].name))
    tree = checked(page.html_of_report(hostile_report(text)))
    assert len(tree.findall(".//h1")) == 1
    shown = tree.text_content()
    assert "49" not in re.sub(r"[^{}0-9]", "", shown[:200])
    if text.isprintable() and len(text) < 40:
        assert shown.count(text) > 10, "it is shown, in full"


def test_remedy_is_quoted_for_a_shell(pictures):
    pictures()
    report = hostile_report("$(touch x); `y` 'z'")
    tree = checked(page.html_of_report(report))
    typed = tree.find_class("typed")[0]
    shown = subprocess.run(["sh", "-c", f"printf %s {typed.text_content()}"], capture_output=True, text=True, check=True)
    assert shown.stdout == "$(touch x); `y` 'z'b=2"


def test_remedy_that_is_cut_or_escaped_is_not_to_be_copied(pictures):
    pictures()
    for text, buttons in (("trainer.max_steps=10", 1), ("a=" + "9" * 5000, 0), ("a=\x00", 0)):
        tree = checked(page.html_of_report(hostile_report(text)))
        assert bool(tree.find_class("copy")) == bool(buttons), text[:20]


def test_policy_of_the_page_allows_its_own_script_alone(pictures):
    pictures()
    tree = checked(page.html_of_report(Report(jobs=())))
    policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    script = tree.find(".//script").text
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == content_security_policy()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    head = list(tree.find("head"))
    assert [node.tag for node in head[:2]] == ["meta", "meta"], "the policy stands before what it is about"


def test_verdict_comes_first_and_headings_are_in_order(sweep_of, pictures):
    pictures(lambda _: drawn("a"))
    tree = checked(page.html_of_report(sweep_of(3)))
    headings = [int(node.tag[1]) for node in tree.iter("h1", "h2", "h3", "h4")]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert tree.get("lang") == "en"
    assert tree.find(".//h1").text_content().startswith("Warning: of 3 jobs, 3 with warnings")
    order = [node.get("id") for node in tree.iter("section")]
    assert order == ["pictures", "findings", "jobs", "numbers", "laws"]


@pytest.mark.extended
def test_every_table_has_a_caption_and_headers_with_a_scope(sweep_of):
    tree = checked(page.html_of_report(sweep_of(2)))
    tables = tree.findall(".//table")
    assert len(tables) > 5
    for table in tables:
        assert table.findtext(".//caption")
        assert all(node.get("scope") in ("col", "row") for node in table.iter("th"))
        widths = {sum(1 for cell in row if cell.tag in ("td", "th")) for row in table.iter("tr")}
        assert len(widths) == 1, table.findtext(".//caption")
    for drawing in tree.iter("svg"):
        assert drawing.get("role") == "img"
        assert drawing.get("aria-label")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "329.6M parameters on 3.28M tokens: 0.25 times the tokens per parameter that a_law finds optimal at this compute."),
        ({"status": "upper_bound"}, "329.6M parameters on at most 3.28M tokens: at most 0.25 times the tokens per parameter"),
        (
            {"params": None, "tokens": None, "judge": ""},
            "an unknown number of parameters on unknown tokens; not compared with a scaling law.",
        ),
        ({"reason": "a LoRA"}, "no scaling law is applied (a LoRA)."),
    ],
)
def test_verdict_in_one_sentence(changes, said):
    found = {"params": 329_600_000, "tokens": 3_280_000, "status": "exact", "judge": "a_law", "reason": ""} | changes
    outlook = Outlook(
        law="a_law", params=3e8, params_convention="total", law_flops=1e16, optimal_params=1e8, optimal_tokens=1e8, tokens_per_parameter=20,
        multiple=0.25, tokens_for_this_model=1e9,
    )  # fmt: skip
    plan = TrainingPlan(training_tokens=found["tokens"], tokens_status=found["status"], intent_reason=found["reason"])
    account = Account(total_params=found["params"], training_tokens=found["tokens"])
    run = Run(reading=Reading(plan=plan), account=account, judge=found["judge"], outlooks={"a_law": outlook})
    told = sentence(Report(jobs=(Job(name="0", overrides=(), run=run, findings=(), verdict="warn"),)))
    assert said in told
    assert told.endswith(".")
    assert "\n" not in told


def test_arithmetic_and_sources_are_folded(sweep_of, pictures):
    pictures()
    tree = checked(page.html_of_report(sweep_of(1)))
    folded = tree.xpath("//section[@id='numbers']/details")
    assert len(folded) == 1
    assert folded[0].get("open") is None
    text = folded[0].text_content()
    assert "D = 100 steps (trainer.max_steps, conf/trainer/default.yaml:3)" in text
    assert "assumed" in text


def test_job_that_is_kept_without_its_ledger_has_no_sum(sweep_of, pictures):
    pictures()
    job = sweep_of(1).jobs[0]
    bare = replace(job, run=replace(job.run, account=replace(job.run.account, parts=())))
    for one, expected in ((job, True), (bare, False)):
        assert ("the sum of" in page.html_of_report(Report(jobs=(one,)))) is expected


def test_unknowns_are_said_with_what_would_tell(pictures):
    pictures()
    unknown = Unknown(field="num_steps", reason="no key tells it", key="trainer.max_steps", remedies=("trainer.max_steps=1000",))
    run = Run(reading=Reading(unknowns=(unknown,)), account=Account())
    tree = checked(page.html_of_report(Report(jobs=(Job(name="0", overrides=(), run=run, findings=(), verdict="silent"),))))
    told = tree.xpath("//section[@id='unknown']")[0].text_content()
    for text in ("num_steps", "no key tells it", "trainer.max_steps", "trainer.max_steps=1000"):
        assert text in told


@pytest.mark.extended
def test_laws_stand_with_their_publication(sweep_of):
    laws = checked(page.html_of_report(sweep_of(1))).xpath("//section[@id='laws']")[0]
    names = [node.text_content().split()[0] for node in laws.iter("h3")]
    assert names[0] == "hoffmann2022_a1"
    assert set(names) == set(registry.names("laws"))
    assert "Sec. 3.1, Table 2, Table 3. N counts total parameters" in laws.text_content()
    assert "https://arxiv.org/abs/2203.15556" in laws.xpath(".//a/@href")


def test_picture_that_fails_is_a_sentence(pictures):
    def fails(_):
        message = "secret /home/x"
        raise ValueError(message)

    def draws_badly(_):
        return replace(drawn("fine"), draw=fails, title="Bad drawing")

    pictures(fails, draws_badly, lambda _: drawn("good"))
    tree = checked(page.html_of_report(Report(jobs=())))
    figures = tree.find_class("picture")
    assert [node.findtext(".//bdi") for node in figures] == ["good", "Bad drawing", "One 0"], "in their order"
    assert [len(node.find_class("drawing")) for node in figures] == [2, 0, 0]
    assert "This picture could not be drawn (ValueError); its values stand in the table." in figures[1].text_content()
    assert "This picture could not be made (ValueError)" in figures[2].text_content()
    assert "secret" not in tree.text_content()


def test_picture_with_too_much_in_it_is_an_image(pictures, monkeypatch):
    monkeypatch.setattr(drawings, "MOST_CHARACTERS", 100)
    pictures(lambda _: drawn('"><b>x'))
    tree = checked_with_images(page.html_of_report(Report(jobs=())))
    images = tree.xpath("//div[contains(@class, 'drawing')]/img")
    assert len(images) == 2
    assert all(base64.b64decode(node.get("src").removeprefix("data:image/png;base64,")).startswith(b"\x89PNG") for node in images)
    assert images[0].get("alt") == '"><b>x'
    assert "it is an image here" in tree.text_content()


def checked_with_images(made):
    OWN_TAGS.add("img")
    try:
        return checked(made)
    finally:
        OWN_TAGS.remove("img")


def test_mark_tells_the_same_in_both_sizes(pictures):
    pictures(lambda _: drawn("<told>"))
    tree = html.document_fromstring(page.html_of_report(Report(jobs=())))
    wide, narrow = tree.find_class("drawing")
    titles = [node.findtext("title") for node in wide.find_class("mark")]
    assert titles == ["<told>", "<told> 2"]
    assert [titles[int(node.get("data-of"))] for node in narrow.find_class("mark")] == titles


@pytest.mark.parametrize("are_drawn", [False, pytest.param(True, marks=pytest.mark.extended)], ids=["text", "pictures too"])
def test_same_from_a_json_report(sweep_of, pictures, are_drawn):
    """But for how the numbers came about: a file has the places of a model's sizes and not the sizes, which are left out, never zero."""
    if not are_drawn:
        pictures()
    report = sweep_of(3)
    as_json = registry.load("formats", "json").render(report)
    told, back = page.html_of_report(report), page.html_of_report(report_of(json.loads(as_json)))
    without = re.compile(r'<section id="numbers".*?</section>', re.DOTALL)
    assert without.sub("", back) == without.sub("", told)
    assert "num_layers = 2" in told
    numbers = html.document_fromstring(back).xpath("//section[@id='numbers']")[0].text_content()
    assert "the sum of" in numbers
    assert "token_embedding" in numbers
    assert "num_layers" in numbers
    assert not re.search(r"= 0(?![.\d])", numbers)


@pytest.mark.extended
def test_page_is_the_same_each_time(sweep_of):
    report = sweep_of(2)
    assert page.html_of_report(report) == page.html_of_report(report)


def test_sweep_of_200_jobs_is_below_a_megabyte(sweep_of):
    made = page.html_of_report(sweep_of(200))
    assert len(made.encode()) < 1_000_000
    assert len(checked_with_images(made).xpath("//section[@id='jobs']//tbody/tr")) == 200


@pytest.mark.extended
def test_sweep_of_10_000_jobs_is_capped_and_says_so(sweep_of):
    report = sweep_of(10_000)
    started = time.process_time()
    made = page.html_of_report(report)
    assert time.process_time() - started < 20
    assert len(made.encode()) < 4_000_000
    tree = checked_with_images(made)
    section = tree.xpath("//section[@id='jobs']")[0]
    assert len(section.xpath(".//tbody/tr")) == jobs.MOST
    assert f"{10_000 - jobs.MOST:,} more jobs not shown, none of them worse; the json format has them all." in section.text_content()
    assert "more findings not shown; the json format has them all." in tree.xpath("//section[@id='findings']")[0].text_content()
    assert "more jobs are not shown; the json format has them all." in tree.xpath("//section[@id='numbers']")[0].text_content()


def test_page_of_pictures_alone():
    made = page.html_of_pictures("A <fit>", "Found & said.", [drawn("<x>")], [("runs", "<240>")])
    tree = checked(made)
    assert tree.find(".//h1").text_content() == "A <fit>"
    assert "Found & said." in tree.text_content()
    assert tree.xpath("//dd")[0].text_content() == "<240>"
    assert [node.get("id") for node in tree.iter("section")] == ["pictures"]


def test_fragment_is_wide_and_has_no_script():
    made = page.fragment([drawn("<x>")], "<lead>")
    tree = html.fragment_fromstring(made.strip())
    assert tree.get("class") == "scalecheck"
    assert not tree.findall(".//script")
    assert [node.get("class") for node in tree.find_class("drawing")] == ["drawing wide"]
    assert tree.find_class("lead")[0].text_content() == "<lead>"
    rules = re.findall(r"([^{}@]+)\{", re.sub(r"@media[^{]*\{", "", tree.find(".//style").text))
    assert rules
    assert all(part.strip().startswith(".scalecheck") for rule in rules for part in rule.split(",")), "the notebook's own style stays"


def test_ids_of_two_fragments_are_apart():
    ids = [re.findall(r'\bid="([^"]+)"', page.fragment([drawn(text)], "x")) for text in ("a", "b")]
    assert ids[0]
    assert not set(ids[0]) & set(ids[1])


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_what_is_missing_is_one_sentence(missing, tmp_path):
    report = tmp_path / "report.json"
    report.write_text(registry.load("formats", "json").render(Report(jobs=())))
    code = f"import sys; sys.modules[{missing!r}] = None; from scalecheck.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "render", str(report), "--output", f"html:{tmp_path}/report.html"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"scalecheck: error: {INSTALL}\n")
    assert not (tmp_path / "report.html").exists()


def test_pictures_need_what_is_not_installed_says_the_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ScalecheckError, match="pip install"):
        page.fragment([], "x")
