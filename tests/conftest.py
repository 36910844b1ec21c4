"""Markers: what a test needs, and why it cannot run here."""

import pytest
from support import IN_CI, docker_problem, emulation_problem


@pytest.fixture(scope="session")
def needs():
    """Call with `docker` or `emulation`: skips with the reason, or fails in CI, where nothing may be skipped."""
    problems = {"docker": docker_problem, "emulation": emulation_problem}
    found: dict[str, str] = {}

    def check(name: str) -> None:
        reason = found.setdefault(name, problems[name]())
        if reason and IN_CI:
            pytest.fail(f"CI must run this test: {reason}")
        if reason:
            pytest.skip(reason)

    return check


@pytest.fixture(autouse=True)
def _marked_needs(request, needs):
    for name in ("docker", "emulation"):
        if request.node.get_closest_marker(name):
            needs(name)
