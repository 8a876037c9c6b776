"""Markdown: against files that a human reads, and read back by a parser that knows GitHub's tables."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scalecheck.facts import Account, Finding, Job, Reading, Report, Run
from scalecheck.formats.markdown import MOST_CHARACTERS, code, render, text
from scalecheck.text import clean

MARKS = [
    "|", "\\", "`", "```", "*", "_", "~~", "<b>", "</details>", "<!--", "-->", "[a](http://x.example)", "![", "](", "@me", "#1", "http://", "www.", "&amp;", "&#124;", "$", "\n", "\n\n",
    "- ", "# ", "\t", "a", " ", "\u202e", "\ud800", "\r",
]  # fmt: skip
hostile_texts = st.lists(st.sampled_from(MARKS) | st.characters(), min_size=1, max_size=30).map("".join)
OWN_INLINE = {"text", "code_inline", "strong_open", "strong_close", "softbreak", "html_inline"}
OWN_HTML = {"<code>", "</code>", "<!-- -->"}
OWN_BLOCKS = {
    "paragraph", "inline", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item", "html_block",
}  # fmt: skip


@cache
def parser():
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def read(markdown):
    """Return each block of text as a reader sees it; nothing in it may be markup that is not our own."""
    shown = []
    for block in parser().parse(markdown):
        assert re.sub("_(open|close)$", "", block.type) in OWN_BLOCKS, block
        if block.type == "html_block":
            assert re.fullmatch(r"<details>\n<summary>[0-9,]+ (notes?|waived)</summary>\n|</details>\n?", block.content), block.content
        if block.type != "inline":
            continue
        for token in block.children:
            assert token.type in OWN_INLINE, token
            assert token.type != "html_inline" or token.content in OWN_HTML
        shown.append(
            "".join("\n" if token.type == "softbreak" else token.content for token in block.children if token.type != "html_inline")
        )
    return shown


def mentions(markdown):
    """Return what GitHub would make a mention or a link of, in text between tags and outside of code: it looks at what a parser rendered."""
    rendered = re.sub(r"<code>.*?</code>", "", parser().render(markdown), flags=re.DOTALL)
    return [
        found
        for part in re.split(r"<[^>]*>", rendered)
        for found in re.findall(r"(?:^|[^\w`])@\w+|#\d+|https?://\w|www\.\w|\w@\w+\.\w", html.unescape(part), re.IGNORECASE)
    ]


@pytest.mark.parametrize("name", ["pass", "stop", "over_budget", "unknown", "nothing", "sweep", "waived"])
def test_golden(situations, golden, name):
    golden(f"{name}.md", render(situations[name]))


def test_one_bold_sentence_and_one_table(situations):
    for report in situations.values():
        blocks = parser().parse(render(report))
        assert [token.type for token in blocks[1].children if token.content or token.type == "strong_open"][:1] == ["strong_open"]
        assert sum(token.type == "strong_open" for token in blocks[1].children) == 1
        assert sum(block.type == "table_open" for block in blocks) == 1


def test_details_are_folded_and_errors_are_not(situations):
    open_part, _, folded = render(situations["waived"]).partition("<details>")
    assert "- **error** `undertrained` · `conf/trainer/default.yaml:3` · job 1 (a=2 b=x): 1.5 tokens" in open_part
    assert "assumed&#95;values" not in open_part
    assert "(waived: smoke-scale ablation (until 2026-12-31, mia))" in folded


def job(number, verdict="pass", overrides=(), findings=()):
    run = Run(reading=Reading(), account=Account(), judge="")
    return Job(name=str(number), overrides=tuple(overrides), run=run, findings=tuple(findings), verdict=verdict)


def test_at_most_fifty_rows_the_worst_first_and_the_rest_counted():
    jobs = [job(number) for number in range(100)] + [job(100, "warn"), job(101, "stop"), job(102, "silent")]
    rows = re.findall(r"^\| `(\d+)` .* \| (.+) \|$", render(Report(jobs=tuple(jobs))), re.MULTILINE)
    assert rows[:4] == [("101", "stop"), ("100", "warn"), ("102", "no verdict"), ("0", "pass")]
    assert len(rows) == 50
    assert "\n53 more jobs not shown, none of them worse\n" in render(Report(jobs=tuple(jobs)))


@pytest.mark.parametrize("filler", ["x", "@", "|", "`", "\\", "\x00", "://", "www.", "_", "é"])
def test_length_is_bounded_whatever_the_input(filler):
    long = filler * 700
    levels = ("error", "warning", "note", "error")
    found = [
        Finding(rule=f"rule{number}", message=long, severity=levels[number % 4], waived=long if number % 4 == 3 else None)
        for number in range(400)
    ]
    report = Report(jobs=tuple(job(f"{number}{long}", "stop", [long, str(number)], found) for number in range(60)), findings=tuple(found))
    shown = render(report)
    assert 20_000 < len(shown) < MOST_CHARACTERS
    read(shown)
    for what in ("findings not shown", "notes not shown", "waived findings not shown", "jobs not shown"):
        assert what in shown
    assert sum(int(count) for count in re.findall(r"(\d+) more findings", shown)) + shown.count("\n- **") > 200


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("model=large trainer.max_steps=4", "`model=large trainer.max_steps=4`"),
        ("a=[1,2] <b>", "`a=[1,2] <b>`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("`", "<code>&#96;</code>"),
        (" a", "<code> a</code>"),
        ("", ""),
    ],
)
def test_code(words, shown):
    assert code(words) == shown


def test_text_keeps_names_readable():
    assert text("trainer.max_steps -> 4, __init__") == "trainer.max_steps -> 4, &#95;&#95;init&#95;&#95;"


@pytest.mark.parametrize("words", ["@me", "a @team/x", "#12", "o/r#12", "http://x.example", "HTTPS://x", "www.x.example", "a@b.example"])
def test_no_mention_no_reference_and_no_link(words):
    assert mentions(words), "the text is one, were it not escaped"
    assert not mentions(text(words))
    assert read(text(words)) == [words]


def holds(report, words):
    shown = render(report)
    assert len(shown) < MOST_CHARACTERS
    assert not mentions(shown)
    blocks, kept = read(shown), clean(words).strip()
    rows = [block for block in parser().parse(shown) if block.type == "tr_open"]
    assert len(rows) == 3
    # One that takes all the room that findings have is counted instead.
    assert sum(kept in block for block in blocks) >= (5 if len(words) < 100 else 1)


def test_hostile_text_of_the_list_is_read_back(filled, hostile_text):
    holds(filled(hostile_text), hostile_text)


@pytest.mark.extended
@settings(max_examples=200, deadline=None)
@given(hostile_texts)
def test_hostile_text_is_read_back(filled, words):
    holds(filled(words), words)


def test_details_stand_apart_from_the_text_before(situations):
    """GitHub renders Markdown inside of ``<details>`` only after a blank line."""
    lines = render(replace(situations["waived"])).splitlines()
    for number, line in enumerate(lines):
        if line.startswith(("<details>", "</details>")):
            assert not lines[number - 1]
        if line.startswith("<summary>"):
            assert not lines[number + 1]
