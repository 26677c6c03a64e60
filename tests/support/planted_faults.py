"""Has a state machine look for a fault that a test has planted in the code."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

_A_FEW = settings(
    max_examples=4,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
)
_SEEDS = 250


def run_until_it_fails(machine: type[RuleBasedStateMachine], first: int) -> None:
    """Run a few examples with each seed, one seed after the other.

    A seed stands for the same examples in every process. By itself Hypothesis draws one value in twenty from the constants
    of all modules that are loaded, and so others in a process that has loaded more tests.

    Args:
        machine: asserts what the fault breaks.
        first: the seed to begin with: one that finds the fault at once. When the machine has changed, another may be
            needed for that; this one then goes on to the next.

    Raises:
        AssertionError: the fault is found.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *_, **__: None)
        for number in range(first, first + _SEEDS):
            run_state_machine_as_test(seed(number)(machine), settings=_A_FEW)
