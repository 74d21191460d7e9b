"""Answers random questions about loads with the PyPI package MLRsearch (Apache-2.0), exactly.

usage: mlrsearch_reference.py < QUESTIONS > ANSWERS

A question is a line: exceed ratio in parts per billion; final trial duration and duration sum in
nanoseconds; loss ratio in parts per billion; then DURATION:LOST:INTENDED for each trial of the load.
The answer is LOWER, UPPER or UNDECIDED, and the loss of the conditional throughput as a fraction.

The package computes with floats, where a tie may fall to either side. Here it is given numbers that
stay exact fractions whatever they meet, so that its formulas are what is compared, not its rounding.
"""
import sys
from fractions import Fraction
from types import SimpleNamespace

from MLRsearch.target_stat import TargetStat

BILLION = 10**9


class Exact:
    """A fraction that stays one, also together with a float."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value.value if isinstance(value, Exact) else Fraction(value)

    def __add__(self, other):
        return Exact(self.value + Exact(other).value)

    def __sub__(self, other):
        return Exact(self.value - Exact(other).value)

    def __mul__(self, other):
        return Exact(self.value * Exact(other).value)

    def __truediv__(self, other):
        return Exact(self.value / Exact(other).value)

    def __rsub__(self, other):
        return Exact(other) - self

    __radd__ = __add__
    __rmul__ = __mul__

    def __lt__(self, other):
        return self.value < Exact(other).value

    def __le__(self, other):
        return self.value <= Exact(other).value

    def __gt__(self, other):
        return self.value > Exact(other).value

    def __ge__(self, other):
        return self.value >= Exact(other).value

    def __eq__(self, other):
        return self.value == Exact(other).value

    def __hash__(self):
        return hash(self.value)


def answer(line):
    exceed, final, duration_sum, loss, *trials = line.split()
    target = SimpleNamespace(
        exceed_ratio=Exact(Fraction(int(exceed), BILLION)),
        trial_duration=Exact(int(final)),
        duration_sum=Exact(int(duration_sum)),
        loss_ratio=Exact(Fraction(int(loss), BILLION)),
    )
    stat = TargetStat(target)
    for trial in trials:
        duration, lost, intended = (int(number) for number in trial.split(":"))
        stat.add(
            SimpleNamespace(
                intended_duration=Exact(duration),
                duration_with_overheads=Exact(duration),
                loss_ratio=Exact(Fraction(lost, intended)),
            )
        )
    optimistic, pessimistic = stat.estimates()
    names = {(True, True): "LOWER", (False, False): "UPPER", (True, False): "UNDECIDED"}
    loss = Exact(stat.pessimistic_loss_ratio).value
    return f"{names[optimistic, pessimistic]} {loss.numerator}/{loss.denominator}"


for question in sys.stdin:
    print(answer(question))
