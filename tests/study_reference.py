"""Computes a study's estimators with SciPy and statsmodels, for counts that cover the corners and the middle.

usage: study_reference.py > tests/study_reference.csv      (scripts/statistics-reference does it)

Each line: what is computed, its whole numbers or probabilities, the results.
"""
import math
import random

from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint


def newcombe(a, b, c, d):
    """Newcombe 1998, method 10: both Wilson intervals, squared and added, with their correlation."""
    n = a + b + c + d
    p1, p2 = (a + b) / n, (a + c) / n
    l1, u1 = proportion_confint(a + b, n, method="wilson")
    l2, u2 = proportion_confint(a + c, n, method="wilson")
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    phi = (a * d - b * c) / math.sqrt(margins) if margins else 0.0
    delta = math.sqrt(max(0, (p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2))
    epsilon = math.sqrt(max(0, (u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2))
    return max(-1, p1 - p2 - delta), min(1, p1 - p2 + epsilon)


def line(what, *values):
    print(what, *(repr(float(v)) if isinstance(v, float) else v for v in values), sep=",")


dice = random.Random(8900)
shares = [(0, 1), (1, 1), (0, 5), (5, 5), (1, 10), (0, 5707), (38, 5075), (1164, 5086), (351064, 1675898)]
shares += [(dice.randint(0, n), n) for n in (dice.randint(1, 10 ** dice.randint(1, 6)) for _ in range(60))]
for hits, tries in shares:
    line("wilson", hits, tries, *map(float, proportion_confint(hits, tries, method="wilson")))
    line("clopper_pearson", hits, tries, *map(float, proportion_confint(hits, tries, method="beta")))

tables = [(0, 0, 0, 5), (36, 12, 2, 0), (0, 20, 0, 0), (1, 0, 7, 0), (20, 0, 0, 30), (0, 3, 9, 1000)]
tables += [tuple(dice.randint(0, 10 ** dice.randint(0, 4)) for _ in range(4)) for _ in range(60)]
for a, b, c, d in tables:
    if a + b + c + d == 0:
        continue
    line("newcombe", a, b, c, d, *map(float, newcombe(a, b, c, d)))
    exact = mcnemar([[a, b], [c, d]], exact=True).pvalue if b + c else 1.0
    line("mcnemar", a, b, c, d, float(exact))

for count in (1, 2, 5, 40):
    p = [dice.random() ** 4 for _ in range(count)]
    line("holm", count, *p, *map(float, multipletests(p, method="holm")[1]))

# Fleiss, Levin and Paik 2003, section 4.2, without continuity correction: statsmodels rounds nothing and
# has the other variance, so the formula stands here with SciPy's quantiles.
for p1, p2, power in [(0.01, 0.02, 0.9), (0.001, 0.002, 0.9), (0.2, 0.25, 0.9), (0.1, 0.3, 0.8), (0.5, 0.49, 0.95)]:
    mean = (p1 + p2) / 2
    spread = stats.norm.ppf(0.975) * math.sqrt(2 * mean * (1 - mean)) + stats.norm.ppf(power) * math.sqrt(
        p1 * (1 - p1) + p2 * (1 - p2)
    )
    line("sample_size", p1, p2, power, math.ceil((spread / (p1 - p2)) ** 2))
