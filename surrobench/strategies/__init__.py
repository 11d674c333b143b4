"""Search strategies: who chooses what to train next, and how to name them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from surrobench.base.options import check_names
from surrobench.base.registry import Registry
from surrobench.errors import UserError

if TYPE_CHECKING:
    from surrobench.spaces.architecture import Arch, SearchSpace
    from surrobench.strategies.candidates import Candidates
    from surrobench.strategies.problem import Problem
    from surrobench.strategies.strategy import Strategy

STRATEGIES: Registry[Strategy] = Registry("strategy", '{use = "bayesian", acquisition = "ucb"}')
_CONTEXT = ("self", "problem", "seed", "design", "repeats")


def _register(name: str, target: str, summary: str, **options: Any) -> None:
    STRATEGIES.register(name, f"surrobench.strategies.{target}", summary, **options)


_register("random", "evolution.random_search:RandomSearch", "uniform sampling without replacement")
_register("local-search", "evolution.local_search:LocalSearch", "hill climbing with restarts")
_register(
    "regularised-evolution",
    "evolution.evolution:RegularisedEvolution",
    "ageing evolution by mutation",
)
_register(
    "genetic", "evolution.genetic:GeneticAlgorithm", "crossover and mutation, truncation selection"
)
_register(
    "estimation-of-distribution",
    "evolution.distribution:EstimationOfDistribution",
    "one categorical distribution per decision, fitted to the best",
)
_register("npenas", "evolution.npenas:Npenas", "evolution whose offspring a predictor screens")
_register(
    "progressive", "evolution.progressive:ProgressiveSearch", "decisions opened one by one (PNAS)"
)
_register(
    "reinforce",
    "reinforcement.reinforcement:ControllerSearch",
    "LSTM controller, policy gradient (Zoph & Le)",
)
_register(
    "ppo",
    "reinforcement.reinforcement:ControllerSearch",
    "LSTM controller, clipped updates",
    algorithm="ppo",
)
_register(
    "reinforce-transformer",
    "reinforcement.reinforcement:ControllerSearch",
    "attention controller, policy gradient",
    controller="transformer",
)
_register(
    "q-learning", "reinforcement.q_learning:QLearning", "ε-greedy Q-learning with replay (MetaQNN)"
)
_register(
    "bayesian", "bayesian.bayesian:BayesianOptimisation", "a predictor and an acquisition function"
)
_register(
    "bayesian-warm-start",
    "bayesian.warm_start:WarmStartedBayesian",
    "bayesian that begins with the best of the study's sources (other tasks)",
)
_register(
    "bananas",
    "bayesian.bayesian:BayesianOptimisation",
    "network ensemble on paths, independent Thompson sampling, mutations of the best",
    # Ranks stand in for the paper's loss, which also plays down what is far below the best.
    predictor="mlp-ensemble+quantile-normal",
    encoding="path",
    acquisition="its",
    generation="mutation",
)
_register(
    "successive-halving",
    "fidelity.multi_fidelity:SuccessiveHalving",
    "the best go on, rung by rung",
)
_register(
    "hyperband", "fidelity.multi_fidelity:Hyperband", "successive halving from several starts"
)
_register(
    "bohb", "fidelity.multi_fidelity:Bohb", "Hyperband whose samples come from a density ratio"
)
_register(
    "bayesian-multi-objective",
    "bayesian.multi_objective:MultiObjectiveBayesian",
    "one predictor per objective, hypervolume improvement",
)
_register("nsga2", "peers.pymoo_adapter:Nsga2", "non-dominated sorting evolution (pymoo)")
_register(
    "optuna-tpe", "peers.optuna_adapter:OptunaSearch", "Optuna's tree-structured Parzen estimator"
)
_register(
    "optuna-gp", "peers.optuna_adapter:OptunaSearch", "Optuna's Gaussian process", sampler="gp"
)
_register("smac", "peers.smac_adapter:SmacSearch", "SMAC3's random forest")


def make_strategy(
    spec: str | Mapping[str, Any],
    problem: Problem | Candidates | SearchSpace,
    *,
    seed: int = 0,
    design: int | Sequence[Arch] = 10,
    repeats: bool = False,
    **options: Any,
) -> Strategy:
    """Build a strategy from what a study file or a user says.

    Args:
        spec: a registered name, a dotted path ``"module:Class"``, or a mapping with the name under
            ``use`` and options beside it (``{use = "bayesian", acquisition = "ucb"}``).
        problem: what is searched: a problem, candidates, or a whole search space.
        seed: of all random draws.
        design: the architectures to begin with, or how many to draw at random.
        repeats: whether an architecture may be proposed again.
        options: options that override those of ``spec``.

    Raises:
        UserError: for an unknown name or option, and for a problem that does not suit.

    Example:
        >>> import surrobench as sb
        >>> space = sb.Space(depth=sb.Integer(1, 4), op=sb.Categorical("conv", "pool"))
        >>> strategy = sb.make_strategy("random", space, seed=0, design=2)
        >>> for arch in strategy.ask(2):
        ...     strategy.tell(arch, sb.Evaluation(0.5))
        >>> strategy.best.value
        0.5
    """
    from surrobench.strategies.candidates import Candidates
    from surrobench.strategies.problem import Problem

    name, factory, chosen = resolve_strategy(spec, options)
    if not isinstance(problem, Candidates | Problem):
        problem = Candidates(problem)
    if isinstance(problem, Candidates):
        problem = Problem(problem)
    design = min(design, len(problem.candidates)) if isinstance(design, int) else design
    try:
        built = factory(problem, seed=seed, design=design, repeats=repeats, **chosen)
    except TypeError as error:
        raise UserError(f"strategy {name!r} could not be built: {error}.") from error
    return built


def resolve_strategy(
    spec: str | Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> tuple[str, Any, dict[str, Any]]:
    """Name, class and checked options of a specification.

    Raises:
        UserError: for an unknown name or option.
    """
    read = STRATEGIES.read(spec, **(options or {}))
    factory, defaults = STRATEGIES.find(read.name)
    check_names(f"strategy {read.name!r}", read.options, strategy_options(factory))
    return read.name, factory, {**defaults, **read.options}


def strategy_options(factory: Any) -> dict[str, Any]:
    """Options of a strategy's class with their defaults."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(factory.__init__).parameters.items()
        if name not in _CONTEXT and parameter.kind is parameter.KEYWORD_ONLY
    }
