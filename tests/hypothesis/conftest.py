"""What holds for the tests of what Hypothesis draws."""

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st


@pytest.fixture(scope="session", autouse=True)
def _constants_collected():
    """Let Hypothesis look for constants in the project's own modules: here, that is all of ours.

    It does so where it first tries a constant, which is for one number in twenty: that test is then
    too slow for its health check, on a busy machine. Whoever has the package installed is spared
    that.
    """

    @seed(0)
    @settings(database=None, max_examples=2, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.integers(), min_size=200, max_size=200))
    def draw(numbers):
        assert len(numbers) == 200

    draw()
