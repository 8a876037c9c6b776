"""The table of abilities: read in full, split at a budget, and said in words that stay true."""

from __future__ import annotations

import pytest

from scalecheck.emergence import COUNTEREXAMPLES, MMLU_FIRST_FLOPS, abilities, caveats, plain_flops, sentence, split


def named(name):
    (found,) = [row for row in abilities() if row.name == name]
    return found


def test_table_has_all_rows_of_both_groups():
    assert [sum(row.group == group for row in abilities()) for group in ("few-shot", "augmented")] == [10, 13]
    assert len({row.name for row in abilities()}) == len(abilities()) == 23


def test_every_row_says_where_it_was_read_and_when_it_was_reported():
    for row in abilities():
        assert row.read_in, row
        assert row.reference.rstrip("abc").endswith(str(row.year)), row
        assert 2020 <= row.year <= 2022, row


def test_table_reaches_from_the_scratchpad_to_word_in_context():
    known = [row for row in abilities() if row.train_flops is not None]
    assert min(known, key=lambda row: row.train_flops).params == 40_000_000
    assert max(known, key=lambda row: row.train_flops).name == "Word in Context (WiC)"
    assert (min(row.train_flops for row in known), max(row.train_flops for row in known)) == (8.9e19, 2.5e24)


def test_rows_are_split_at_the_budget_the_nearest_first():
    found = split(4e22, abilities())
    assert (len(found.below), len(found.above), len(found.without_figure)) == (6, 16, 1)
    assert found.below[0].name == "Differentiable search index"
    assert found.above[0].train_flops == 1.3e23
    assert found.above[-1].name == "Word in Context (WiC)"


def test_row_at_the_budget_itself_is_not_above_it():
    found = split(2.5e24, abilities())
    assert found.above == ()
    assert found.below[0].name == "Word in Context (WiC)"


def test_row_without_a_figure_is_on_neither_side():
    for flops in (1.0, 1e30):
        found = split(flops, abilities())
        assert [row.name for row in found.without_figure] == ["Many BIG-Bench tasks"]
        assert "Many BIG-Bench tasks" not in [row.name for row in (*found.above, *found.below)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "MMLU (57 topic avg.)",
            "published models first exceeded chance on MMLU (57 topic avg.) at about 3.1e23 FLOPs (GPT-3 175B; Hendrycks et al. 2021a)",
        ),
        (
            "Using open-book knowledge for fact checking",
            "published models first gained from Using open-book knowledge for fact checking at about 1.3e22 FLOPs (Gopher 7.1B; Rae et al. 2021)",
        ),
        (
            "Ask me anything prompting",
            "published models first gained from Ask me anything prompting at about 1.4e22 FLOPs (EleutherAI 6B; Arora et al. 2022)",
        ),
        (
            "Scratchpad: 8-digit addition (finetuning)",
            "published models first gained from Scratchpad: 8-digit addition (finetuning) at about 8.9e19 FLOPs (LaMDA 40M; Nye et al. 2021)",
        ),
        (
            "Many BIG-Bench tasks",
            "published models first exceeded chance on Many BIG-Bench tasks at various sizes; the table gives no single figure (BIG-Bench 2022)",
        ),
    ],
)
def test_sentence_names_model_size_and_reference(name, said):
    assert sentence(named(name)) == said


def test_counterexamples_are_far_below_the_table_and_above_chance():
    assert named("MMLU (57 topic avg.)").train_flops == MMLU_FIRST_FLOPS
    assert [round(MMLU_FIRST_FLOPS / model.train_flops) for model in COUNTEREXAMPLES] == [8, 43, 258]
    assert all(model.accuracy > 0.25 for model in COUNTEREXAMPLES)
    for times in ("8x lower", "43x lower", "260x lower"):
        assert times in caveats()[0]


def test_caveats_name_who_says_so():
    text = " ".join(caveats())
    for who in ("bounds nothing", "Schaeffer et al. 2023", "Du et al. 2024", "PaLM 62B", "Sanh et al."):
        assert who in text


@pytest.mark.parametrize("word", ["must", "should", "wrong", "guarantee", "will show"])
def test_nothing_that_is_said_prescribes_or_promises(word):
    assert word not in " ".join((*caveats(), *map(sentence, abilities())))


def test_flops_are_written_plainly():
    assert [plain_flops(value) for value in (3.1e23, 8.9e19)] == ["3.1e23", "8.9e19"]
