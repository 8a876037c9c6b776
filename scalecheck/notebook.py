"""A report, a ledger and a fit as HTML for a notebook: one sentence, then the pictures; nothing here ever raises.

What a notebook shows by itself must not stop its cell: without matplotlib and jinja2, or where a picture cannot be drawn, there is the
sentence and why the pictures are missing.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from scalecheck import registry
from scalecheck.drawing.scene import Picture
from scalecheck.drawing.sets import pictures_of
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Account, Report
from scalecheck.text import clean
from scalecheck.units import format_count

if TYPE_CHECKING:
    from scalecheck.own_fit import OwnFit


def report_html(report: Report) -> str:
    """Return a report as a fragment of HTML: the verdict in one sentence, and its pictures."""
    return _shown(lambda: _verdict(report), lambda: pictures_of("pictures", report), "a report")


def account_html(account: Account, name: str = "model") -> str:
    """Return a ledger as a fragment of HTML: N and C in one sentence, and where they are; ``name`` is the model's."""

    def pictures() -> list[Picture]:
        from scalecheck.drawing.ledger import picture_of_account

        return [picture_of_account(account, name)]

    return _shown(lambda: account_sentence(account, name), pictures, "a ledger")


def fit_html(found: OwnFit) -> str:
    """Return a fit as a fragment of HTML: the law in one sentence, and its pictures."""
    return _shown(lambda: _fitted(found), lambda: pictures_of("fit_pictures", found), "a fit")


def account_sentence(account: Account, name: str) -> str:
    """Return N, its active part, and C per token in one sentence."""
    told = f"{clean(name)[:80]}: N {format_count(account.total_params)} parameters"
    if account.active_params is not None and account.active_params != account.total_params:
        told += f", of which a token meets {format_count(account.active_params)}"
    flops, length = account.training_flops_per_sequence, account.sequence_length
    if not flops or not length:
        return f"{told}, training FLOPs per token unknown."
    return f"{told}, C {format_count(flops // length)} training FLOPs per token at {length:,} tokens."


def _verdict(report: Report) -> str:
    from scalecheck import listing

    if len(report.jobs) == 1:
        job = report.jobs[0]
        return f"{listing.word(job.verdict)}: {registry.load('formats', 'terminal').summary(job)}"
    return f"{listing.word(report.verdict)}: {listing.sentence(report)}"


def _fitted(found: OwnFit) -> str:
    law = found.law
    told = f"{clean(law.name)[:80]}: L = {law.E:.4g} + {law.A:.4g} / N^{law.alpha:.4g} + {law.B:.4g} / D^{law.beta:.4g}"
    verdict = "the runs identify it" if found.verdict.is_identified else "the runs do not identify it"
    return f"{told}, fitted to {found.fit.num_rows:,} runs; {verdict}."


def _shown(lead: Callable[[], str], pictures: Callable[[], Sequence[Picture]], what: str) -> str:
    """Return the sentence and the pictures, or the sentence and why there are none."""
    words = what
    try:
        words = lead()
        from scalecheck.page import fragment

        return fragment(pictures(), words)
    except ScalecheckError as error:
        missing = str(error)
    except Exception as error:  # noqa: BLE001 - what a notebook shows by itself must not stop its cell
        missing = f"The pictures of {what} could not be drawn: {type(error).__name__}."
    return f"<p>{html.escape(words)}</p><p>{html.escape(clean(missing))}</p>"
