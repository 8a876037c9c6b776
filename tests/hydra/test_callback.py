"""What the callback does around a check: the garbage collector is as it was afterwards, however the check ends."""

import gc

import pytest

from hydra_plugins.hydra_scalecheck import callback


@pytest.fixture(autouse=True)
def as_it_was():
    was = gc.get_threshold()
    yield
    gc.set_threshold(*was)


@pytest.mark.parametrize("hook", ["on_run_start", "on_multirun_start"])
@pytest.mark.parametrize("ends", [None, SystemExit(3), KeyboardInterrupt(), RuntimeError("a bug")], ids=lambda end: type(end).__name__)
def test_collector_is_as_it_was_after_a_check(monkeypatch, hook, ends):
    during = []

    class Checking:
        """Stands in for scalecheck.launch."""

        internal_error = staticmethod(lambda *_: None)
        let_go = staticmethod(lambda _: None)

        @staticmethod
        def follows_parent(_):
            during.append(gc.get_threshold())
            if ends is not None:
                raise ends
            return True

    monkeypatch.setattr(callback.ScaleCheckCallback, "_launch", staticmethod(lambda: Checking))
    gc.set_threshold(500, 5, 7)
    try:
        getattr(callback.ScaleCheckCallback(), hook)({})
    except SystemExit as end:
        assert end.code == (130 if isinstance(ends, KeyboardInterrupt) else 3)
    assert during == [(callback.NEW_OBJECTS, 5, 7)]
    assert gc.get_threshold() == (500, 5, 7)


def test_who_never_collects_goes_on_so():
    gc.set_threshold(0, 10, 10)
    with callback._seldom_collected():
        assert gc.get_threshold()[0] == 0
    assert gc.get_threshold()[0] == 0


def test_who_collects_more_seldom_goes_on_so():
    gc.set_threshold(10**7, 10, 10)
    with callback._seldom_collected():
        assert gc.get_threshold()[0] == 10**7
