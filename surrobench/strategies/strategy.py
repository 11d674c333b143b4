"""The search contract: ask for architectures, tell how they did.

A strategy knows the candidates and what it was told, nothing else. It is a deterministic function
of its seed, its options and the sequence of calls, and its state is plain data.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import index
from typing import Any, ClassVar

import numpy as np

from surrobench.arrays import FloatArray
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.identity import described_variables, variable_changes
from surrobench.strategies.plain import metrics_of, number, plain_metrics, plain_number
from surrobench.strategies.problem import Problem
from surrobench.tasks.evaluation import LARGEST_VALUE, Evaluation

STATE_VERSION = 2


@dataclass(frozen=True)
class Observation:
    """What a strategy was told about one architecture.

    Attributes:
        arch: the architecture.
        value: larger is better; NaN unless ``status`` is ``"ok"``.
        status: as in :class:`~surrobench.tasks.evaluation.Evaluation`.
        epochs: length of the training, None for the full one.
        metrics: further numbers.
    """

    arch: Arch
    value: float
    status: str = "ok"
    epochs: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)


class Strategy(ABC):
    """A search strategy behind ``ask`` and ``tell``.

    Subclasses implement :meth:`_propose`, and where they keep more than the history,
    :meth:`_observe`, :meth:`_save` and :meth:`_load`. Their options are keyword-only arguments of
    ``__init__`` with defaults, kept as attributes of the same names.

    **Repeats.** No architecture is proposed twice at the same length of training, nor while it is
    pending, unless ``repeats`` is true. What :meth:`_propose` repeats is replaced by a uniform
    sample of the unseen; when all has been seen, ``ask`` returns fewer, at last none.

    **Failures.** A value that is not finite, or beyond what can be squared (as the largest float,
    given as a penalty, is), counts as failed. It is kept in the history as NaN, and :meth:`targets`
    gives it the worst finite value so far.

    Args:
        problem: the candidates and what else is known.
        seed: of all random draws.
        design: the architectures to begin with (they count as proposals), or how many to draw.
        repeats: whether an architecture may be proposed again.

    Attributes:
        history: all that was told, in order.
        trained: the last full training of each architecture, in the order of first appearance.
        pending: what was proposed and not yet told, with the length of its training.

    Raises:
        UserError: if the design does not fit the candidates.
    """

    multi_objective: ClassVar[bool] = False
    """Whether the strategy needs further objectives."""
    multi_fidelity: ClassVar[bool] = False
    """Whether the strategy needs more than one length of training."""
    constrained: ClassVar[bool] = False
    """Whether the strategy takes the constraints of the problem into account."""

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
    ) -> None:
        self.problem = problem
        self.candidates = problem.candidates
        self.space = problem.candidates.space
        self.seed = _checked_seed(seed)
        self.repeats = bool(repeats)
        self.history: list[Observation] = []
        self._incumbent: Observation | None = None
        self._compared = 0
        self.pending: dict[Arch, int | None] = {}
        self._told: set[tuple[Arch, int | None]] = set()
        self.trained: dict[Arch, Observation] = {}
        self._asks = 0
        self._design = self._checked_design(design)
        self._check_problem()

    def _checked_design(self, design: int | Sequence[Arch]) -> list[Arch]:
        if isinstance(design, int):
            if not 0 <= design <= len(self.candidates):
                raise UserError(
                    f"an initial design of {counted(design, 'architecture')} does not fit "
                    f"{counted(len(self.candidates), 'candidate')}."
                )
            return self.candidates.sample(design, self.rng("design"))
        archs = [_plain_arch(arch) for arch in design]
        for arch in archs:
            if arch not in self.candidates:
                raise UserError(f"{arch!r} of the initial design is not a candidate.")
        if len(set(archs)) != len(archs):
            raise UserError("an architecture stands twice in the initial design.")
        return archs

    def _check_problem(self) -> None:
        name = type(self).__name__
        if self.multi_objective and not self.problem.objectives:
            raise UserError(f"{name} needs at least one further objective.")
        if self.multi_fidelity and len(self.problem.epochs) < 2:
            raise UserError(
                f"{name} needs a task with at least two lengths of training; this one has "
                f"{len(self.problem.epochs) or 'only the full one'}."
            )

    @property
    def transfers(self) -> bool:
        """Whether the strategy looks at the problem's sources."""
        return False

    # -- what users call ---------------------------------------------------------------------

    def ask(self, n: int = 1) -> list[Arch]:
        """Up to ``n`` architectures to train next, for :meth:`epochs` epochs each.

        Fewer, or none, if the candidates are exhausted or the strategy must first be told more.
        """
        if n < 1:
            raise UserError(f"ask({n}): ask for at least one architecture.")
        chosen: list[Arch] = []
        while self._design and len(chosen) < n:
            self._take(self._design.pop(0), chosen)
        if len(chosen) < n:
            rng = self.rng("ask", self._asks)
            self._asks += 1
            for arch in self._propose(n - len(chosen), rng)[: n - len(chosen)]:
                self._take(arch, chosen)
            if len(chosen) < n and not self.waits():
                for arch in self.candidates.sample(n - len(chosen), rng, _Taken(self)):
                    self._take(arch, chosen)
        return chosen

    def _take(self, arch: Arch, chosen: list[Arch]) -> None:
        """Add a proposal unless it is a repeat."""
        arch = _plain_arch(arch)
        if arch not in self.candidates:
            raise AssertionError(f"{type(self).__name__} proposed {arch!r}, not a candidate.")
        if arch not in _Taken(self):
            self.pending[arch] = self._epochs_of(arch)
            chosen.append(arch)

    def epochs(self, arch: Arch) -> int | None:
        """For how many epochs a pending architecture is to be trained; None is full training."""
        return self.pending.get(arch)

    def tell(self, arch: Arch, result: Evaluation | float) -> None:
        """Report how an architecture did; also one that was never asked for.

        Args:
            arch: the architecture.
            result: its evaluation, or the value alone (larger is better; NaN if it failed, not a
                penalty).

        Raises:
            UserError: if ``arch`` is not a candidate, or ``result`` neither a number nor an
                evaluation.
        """
        arch = _plain_arch(arch)
        if arch not in self.candidates:
            raise UserError(f"{arch!r} is not a candidate of this search.")
        if not isinstance(result, Evaluation):
            value = _number(result)
            result = Evaluation(value, status="ok" if _usable(value) else "failed")
        value, status = float(result.value), result.status
        if not _usable(value) or status != "ok":
            value, status = math.nan, "failed" if status == "ok" else status
        metrics = {
            name: float(number) if _usable(number) else math.nan
            for name, number in result.metrics.items()
        }
        observation = Observation(arch, value, status, self.pending.pop(arch, None), metrics)
        if arch in self._design:
            self._design.remove(arch)
        self.history.append(observation)
        self._note(observation)
        self._observe(observation)

    def _note(self, observation: Observation) -> None:
        self._told.add((observation.arch, observation.epochs))
        if observation.epochs is None:
            self.trained[observation.arch] = observation

    @property
    def best(self) -> Observation | None:
        """The best fully trained architecture so far that keeps the constraints, if any."""
        for o in self.history[self._compared :]:
            counts = o.ok and o.epochs is None and self._feasible(o)
            if counts and (self._incumbent is None or o.value > self._incumbent.value):
                self._incumbent = o
        self._compared = len(self.history)
        return self._incumbent

    def _feasible(self, observation: Observation) -> bool:
        if not self.problem.constraints:
            return True
        row = self.candidates.index.get(observation.arch) if self.candidates.listed else None
        return self.problem.feasible(observation.metrics, row)

    # -- state -------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the search depends on, as data that JSON can hold."""
        return {
            "version": STATE_VERSION,
            "strategy": type(self).__name__,
            "space": described_variables(self.space),
            "seed": self.seed,
            "asks": self._asks,
            "design": [list(arch) for arch in self._design],
            "pending": [[list(arch), epochs] for arch, epochs in self.pending.items()],
            "history": [_plain(observation) for observation in self.history],
            "own": self._save(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a state: of the same strategy, options and seed on the same candidates.

        Raises:
            UserError: if it is the state of another strategy, seed or space (choices that were
                renamed or reordered included), or damaged.
        """
        name = type(self).__name__
        try:
            if state["version"] != STATE_VERSION or state["strategy"] != name:
                raise UserError(
                    f"this is the state of {state['strategy']} (version {state['version']}), "
                    f"not of {name} (version {STATE_VERSION})."
                )
            self._check_origin(state["space"], int(state["seed"]))
            pending = {tuple(arch): epochs for arch, epochs in state["pending"]}
            history = [_observation(content) for content in state["history"]]
            design = [tuple(arch) for arch in state["design"]]
            for arch in (*pending, *design, *(o.arch for o in history)):
                if arch not in self.candidates:
                    raise UserError(
                        f"this is the state of another search: {arch!r} is no candidate."
                    )
            self._asks = int(state["asks"])
            self._design, self.pending, self.history = design, pending, history
            self._told, self.trained = set(), {}
            for observation in history:
                self._note(observation)
            self._incumbent, self._compared = None, 0
            self._load(state["own"])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise UserError(f"the saved state of {name} is damaged: {error!r}.") from error

    def _check_origin(self, variables: Sequence[Mapping[str, Any]], seed: int) -> None:
        changes = list(variable_changes(variables, described_variables(self.space)))
        if seed != self.seed:
            changes.append(f"seed was {seed}, is {self.seed}")
        if changes:
            raise UserError(f"this is the state of another search: {'; '.join(changes)}.")

    # -- what subclasses implement -----------------------------------------------------------

    @abstractmethod
    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        """Up to ``n`` candidates; called once the initial design has been given out."""

    def _observe(self, observation: Observation) -> None:  # noqa: B027
        """Take in an observation (it is the last of ``history`` already)."""

    def _save(self) -> dict[str, Any]:
        """What :meth:`_load` needs beyond the history, as data that JSON can hold."""
        return {}

    def _load(self, own: Mapping[str, Any]) -> None:  # noqa: B027
        """Take over what :meth:`_save` returned; the history is restored already."""

    def _epochs_of(self, arch: Arch) -> int | None:
        """For how many epochs a proposal is to be trained (None: fully)."""
        return None

    def usable_epochs(self) -> tuple[int, ...]:
        """Lengths of training that it may ask for, ascending; empty if the problem names none."""
        return self.problem.epochs if self.multi_fidelity else self.problem.epochs[-1:]

    def waits(self) -> bool:
        """Whether the strategy proposes nothing more until it is told about what is pending."""
        return False

    # -- what subclasses use -----------------------------------------------------------------

    def rng(self, purpose: str, count: int = 0) -> np.random.Generator:
        """A generator that depends on the seed, a purpose and a count alone."""
        words = [int.from_bytes(purpose.encode(), "big"), count, self.seed]
        return np.random.default_rng(np.random.SeedSequence(words))

    def seen(self) -> set[Arch]:
        """What must not be proposed (at full training): pending, and told unless repeats are."""
        if self.repeats:
            return set(self.pending)
        return {*self.pending, *self.trained}

    def targets(self, observations: Sequence[Observation] | None = None) -> FloatArray:
        """Values of observations (default: all), failures as the worst of them, else 0."""
        observations = self.history if observations is None else observations
        values = np.array([o.value for o in observations], dtype=np.float64)
        finite = values[np.isfinite(values)]
        return np.where(np.isfinite(values), values, finite.min() if finite.size else 0.0)


class _Taken:
    """The architectures that a strategy may not propose now, at the length it would train them."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy

    def __contains__(self, arch: object) -> bool:
        strategy = self._strategy
        if not isinstance(arch, tuple) or arch in strategy.pending:
            return True
        return not strategy.repeats and (arch, strategy._epochs_of(arch)) in strategy._told


def _number(result: object) -> float:
    """A value that was told, as a float; texts are none, even if they look like one."""
    try:
        if not isinstance(result, str | bytes):
            return float(result)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass
    raise UserError(
        f"the result of a training is {result!r}; tell a number (larger is better, NaN if it "
        "failed) or an Evaluation(value, metrics={…})."
    )


def _usable(value: float) -> bool:
    """Whether a value can be squared: models standardise what they learn from."""
    return math.isfinite(value) and abs(value) <= LARGEST_VALUE


def _checked_seed(seed: int) -> int:
    if int(seed) < 0:
        raise UserError(f"seed {seed}: seeds are not negative.")
    return int(seed)


def _plain_arch(arch: Sequence[int]) -> Arch:
    """An architecture of Python's own integers, which JSON knows."""
    try:
        return tuple(index(choice) for choice in arch)
    except TypeError as error:
        raise UserError(f"{arch!r} is not an architecture, a tuple of whole numbers.") from error


def _plain(observation: Observation) -> dict[str, Any]:
    content = {**vars(observation), "arch": list(observation.arch)}
    content["value"] = plain_number(observation.value)
    content["metrics"] = plain_metrics(observation.metrics)
    return content


def _observation(content: Mapping[str, Any]) -> Observation:
    return Observation(
        tuple(content["arch"]),
        number(content["value"]),
        content["status"],
        content["epochs"],
        metrics_of(content["metrics"]),
    )
