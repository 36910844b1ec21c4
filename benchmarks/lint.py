"""How long `bitforbit lint` takes for 10,000 lines, beside Python's own parser on the same text.

python benchmarks/lint.py        prints seconds and ratio; the median of five runs
"""

import ast
import statistics
import time
from pathlib import Path

from bitforbit.diagnosis.lint import check, rules

LINES = 10_000


def corpus() -> list[str]:
    """Return this project's own sources, again and again, cut off at 10,000 lines."""
    texts, lines = [], 0
    files = sorted(Path(__file__).parents[1].glob("src/**/*.py"))
    while lines < LINES:
        for path in files:
            texts.append(path.read_text())
            lines += texts[-1].count("\n")
            if lines >= LINES:
                break
    return texts


def seconds(work, texts) -> float:
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        for text in texts:
            work(text)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    texts, every = corpus(), rules.every()
    parse = seconds(ast.parse, texts)
    lint = seconds(lambda text: check.check_text(Path("x.py"), text, every), texts)
    print(f"{LINES} lines: ast.parse {parse:.3f} s, lint {lint:.3f} s, {lint / parse:.2f} x; limit 1 s")
