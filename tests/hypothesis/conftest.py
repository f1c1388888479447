"""What holds for the tests of what Hypothesis draws."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="session", autouse=True)
def _constants_collected():
    """Let Hypothesis look for constants in the project's own modules: here, that is all of ours.

    It does so in the first test that draws a number, which on a busy machine is then too slow for
    its health check. Whoever has the package installed is spared that.
    """

    @settings(database=None, max_examples=2, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers())
    def draw(number):
        assert isinstance(number, int)

    draw()
