"""What holds for all tests."""

import signal

import pytest

from interleave import exploring
from interleave.strategies import asked_for


@pytest.fixture(scope="session", autouse=True)
def _interruptible():
    """Let Ctrl-C interrupt: a shell starts its background jobs without it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _patient():
    """Let no search end because the machine is busy: one without a limit has fifteen minutes."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (exploring, asked_for):
            patch.setattr(module, "DEFAULT_SECONDS", 900.0)
        yield
