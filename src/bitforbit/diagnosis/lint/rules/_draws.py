"""Which functions draw from a global generator, and how a finding about one is worded."""

import ast

from bitforbit.diagnosis.lint.source import Source


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMPY_DRAWS = words(
    "beta binomial bytes chisquare choice dirichlet exponential f gamma geometric gumbel "
    "hypergeometric laplace logistic lognormal logseries multinomial multivariate_normal "
    "negative_binomial noncentral_chisquare noncentral_f normal pareto permutation poisson power rand "
    "randint randn random random_integers random_sample ranf rayleigh sample shuffle standard_cauchy "
    "standard_exponential standard_gamma standard_normal standard_t triangular uniform vonmises wald "
    "weibull zipf"
)
PYTHON_DRAWS = words(
    "betavariate binomialvariate choice choices expovariate gammavariate gauss getrandbits "
    "lognormvariate normalvariate paretovariate randbytes randint random randrange sample shuffle "
    "triangular uniform vonmisesvariate weibullvariate"
)
TENSORFLOW_DRAWS = words(
    "categorical gamma normal poisson shuffle truncated_normal uniform log_uniform_candidate_sampler"
)


def first_of_each(source: Source, calls: list[ast.Call], text: str):
    """Yield one finding for the first call, which counts the others: a file has one cause, not many."""
    if calls:
        more = f" ({len(calls) - 1} more in this file)" if len(calls) > 1 else ""
        yield calls[0], f"{spelled(calls[0])} {text}{more}"


def spelled(call: ast.Call) -> str:
    return f"{ast.unparse(call.func)}()"


def line(call: ast.Call) -> tuple[int, int]:
    return call.lineno, call.col_offset
