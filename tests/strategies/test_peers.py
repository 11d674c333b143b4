"""Adapters of other packages: what they are told, and what they leave behind."""

from __future__ import annotations

import json
import logging
import math
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Constraint, Problem
from surrobench.tasks.evaluation import Evaluation

SPACE = Choices("toy", [Variable(f"v{i}", ("a", "b", "c", "d")) for i in range(4)])
WIDE = Choices("wide", [Variable(f"v{i}", tuple("abcdef")) for i in range(4)])
# Fifteen of 256, so that suggestions are hardly ever in the table.
SPARSE = Candidates(SPACE, SPACE.sample(15, np.random.default_rng(0)))
PACKAGES = {"optuna-tpe": "optuna", "optuna-gp": "optuna", "smac": "smac", "nsga2": "pymoo"}


def worth(arch: Arch) -> float:
    return float(sum(choice * 5**place for place, choice in enumerate(arch)))


def run(strategy: Any, n: int, value: Any = worth) -> list[Arch]:
    """Ask and tell one by one until ``n`` are told, or nothing is proposed."""
    while len(strategy.history) < n and (archs := strategy.ask()):
        strategy.tell(archs[0], value(archs[0]))
    return [observation.arch for observation in strategy.history]


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGES[kind], None)
    extra = "pymoo" if kind == "nsga2" else "peers"
    with pytest.raises(UserError, match=rf"pip install 'surrobench\[{extra}\]'"):
        make_strategy(kind, Problem(Candidates(SPACE), objectives=("speed",)))


class TestOptuna:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("optuna")

    def test_the_study_holds_what_was_trained_in_the_order_of_the_results(self) -> None:
        strategy: Any = make_strategy("optuna-tpe", SPARSE, design=3)
        first, second = strategy.ask(2)
        strategy.tell(second, 2.0)
        strategy.tell(first, 1.0)
        run(strategy, 14, lambda arch: math.nan if arch[0] == 1 else worth(arch))
        (last,) = strategy.ask()
        told = [t for t in strategy._study.trials if t.state.name == "COMPLETE"]
        ok = [observation for observation in strategy.history if observation.ok]
        assert 2 < len(ok) < 14
        assert [tuple(trial.params.values()) for trial in told] == [o.arch for o in ok]
        assert [trial.value for trial in told] == [o.value for o in ok]
        running = [t for t in strategy._study.trials if t.state.name == "RUNNING"]
        assert [tuple(trial.params.values()) for trial in running] == [last]

    def test_it_suggests_what_optuna_suggests(self) -> None:
        """The same results in a study of one's own and the same seed give the same suggestion."""
        import optuna

        strategy: Any = make_strategy("optuna-tpe", WIDE, seed=4, design=12)
        run(strategy, 12)
        seed = int(strategy.rng("ask", strategy.state()["asks"]).integers(2**31))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(
                direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed)
            )
            names = {
                f"{i}": optuna.distributions.CategoricalDistribution(range(6)) for i in range(4)
            }
            for observation in strategy.history:
                params = dict(zip(names, observation.arch, strict=True))
                study.add_trial(
                    optuna.trial.create_trial(
                        params=params, distributions=names, value=observation.value
                    )
                )
            expected = tuple(study.ask(names).params.values())
        assert expected not in {o.arch for o in strategy.history}, "the case would show nothing"
        assert strategy.ask() == [expected]

    @pytest.mark.slow
    def test_the_gaussian_process_goes_on_exactly(self) -> None:
        strategy = make_strategy("optuna-gp", SPACE, design=10)
        run(strategy, 11)
        strategy.ask()
        text = json.dumps(strategy.state())
        other = make_strategy("optuna-gp", SPACE, design=10)
        other.restore(json.loads(text))
        assert other.ask(2) == strategy.ask(2)

    def test_a_fit_begins_where_the_last_one_ended(self) -> None:
        optuna = pytest.importorskip("optuna")
        strategy = make_strategy("optuna-gp", SPACE, design=10)
        run(strategy, 11)
        (known,) = strategy.state()["own"]["fitted"]
        begun: list[list[float]] = []
        module = optuna.samplers._gp.sampler.gp
        fit = module.fit_kernel_params

        def watched(*args: Any, **options: Any) -> Any:
            begun.append(options["gpr_cache"].inverse_squared_lengthscales.tolist())
            return fit(*args, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "fit_kernel_params", watched)
            strategy.ask()
        assert begun == [known["inverse_squared_lengthscales"]]
        assert len(begun[0]) == len(SPACE.cardinalities)

    def test_messages_are_held_back_and_settings_restored(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        import optuna

        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.DEBUG)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                run(make_strategy("optuna-tpe", SPACE, design=2), 4)
            assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
        finally:
            optuna.logging.set_verbosity(before)
        assert capfd.readouterr() == ("", "")

    def test_an_unknown_sampler_is_refused(self) -> None:
        with pytest.raises(UserError, match="gp"):
            make_strategy("optuna-tpe", SPACE, sampler="gps")


class TestSmac:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("smac")

    @pytest.mark.slow
    def test_it_is_told_what_was_trained_and_leaves_nothing_behind(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        level = logging.getLogger("smac").level
        strategy: Any = make_strategy("smac", SPARSE, design=4)
        archs = run(strategy, 15, lambda arch: math.nan if arch[0] == 1 else worth(arch))
        assert len(set(archs)) == 15
        assert strategy.ask() == []
        history = strategy._facade.runhistory
        finished = {
            history.get_config(key.config_id): value.cost
            for key, value in history.items()
            if value.status.name in ("SUCCESS", "CRASHED")
        }
        costs = {tuple(config.values()): cost for config, cost in finished.items()}
        assert set(costs) == set(archs)
        for observation in strategy.history:
            if observation.ok:
                assert costs[observation.arch] == -observation.value
        assert list(tmp_path.iterdir()) == []
        assert logging.getLogger("smac").level == level
        assert capfd.readouterr() == ("", "")

    @pytest.mark.slow
    def test_a_new_facade_that_was_told_everything_follows_one_that_calls_itself_exhausted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from smac.main.exceptions import ConfigurationSpaceExhaustedException

        def exhausted() -> None:
            raise ConfigurationSpaceExhaustedException

        strategy: Any = make_strategy("smac", SPACE, design=4)
        run(strategy, 5)
        ended = strategy._facade
        monkeypatch.setattr(ended, "ask", exhausted)
        (arch,) = strategy.ask()
        assert strategy._facade is not ended
        assert len(strategy._facade.runhistory) >= 5
        assert strategy.uniform == 0
        strategy.tell(arch, worth(arch))
        monkeypatch.setattr(type(strategy._facade), "ask", lambda self: exhausted())
        (arch,) = strategy.ask()
        assert strategy.uniform == 1
        assert arch not in {observation.arch for observation in strategy.history}

    @pytest.mark.slow
    def test_it_goes_on_exactly_by_asking_again(self) -> None:
        strategy = make_strategy("smac", SPACE, seed=2, design=4)
        run(strategy, 6)
        strategy.ask()
        other = make_strategy("smac", SPACE, seed=2, design=4)
        other.restore(json.loads(json.dumps(strategy.state())))
        assert other.ask(2) == strategy.ask(2)
        (pending, *_) = strategy.pending
        for each in (strategy, other):
            each.tell(pending, worth(pending))
        assert run(other, 8) == run(strategy, 8)


def trade(arch: Arch) -> Evaluation:
    """Value grows with the first two choices, speed falls with them; the others cost both."""
    waste = float(arch[2] + arch[3])
    size = float(arch[0] + arch[1])
    return Evaluation(size - waste, metrics={"speed": -size - waste, "size": size})


class TestNsga2:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("pymoo")

    def build(self, *constraints: Constraint, **options: Any) -> Any:
        problem = Problem(Candidates(WIDE), objectives=("speed",), constraints=constraints)
        return make_strategy("nsga2", problem, **{"design": 4, "population": 8, **options})

    def test_a_generation_is_proposed_at_once_and_the_next_one_waits(self) -> None:
        strategy = self.build()
        first = strategy.ask(30)
        assert len(first) == 8
        assert strategy.ask() == []
        for arch in first:
            strategy.tell(arch, trade(arch))
        second = strategy.ask(30)
        assert len(second) == 8
        assert not {*first} & {*second}

    def test_the_survivors_are_the_least_dominated(self) -> None:
        strategy = self.build(population=6)
        for _ in range(5):
            for arch in strategy.ask(30):
                strategy.tell(arch, trade(arch))
        strategy.ask(1)
        survivors = [strategy.history[row] for row in strategy.state()["own"]["parents"]]
        assert len(survivors) == 6

        def dominated(a: Any, b: Any) -> bool:
            pairs = ((a.value, b.value), (a.metrics["speed"], b.metrics["speed"]))
            return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)

        ranks = [sum(dominated(o, other) for other in strategy.history) for o in strategy.history]
        kept = [ranks[strategy.history.index(o)] for o in survivors]
        front = sum(rank == 0 for rank in ranks)
        assert sum(rank == 0 for rank in kept) == min(front, 6)

    def test_it_comes_close_to_the_whole_front(self) -> None:
        strategy = self.build(population=10)
        run(strategy, 200, trade)
        front = {o.metrics["size"] for o in strategy.history if o.arch[2:] == (0, 0)}
        assert len(front) >= 8, "of eleven trade-offs"

    def test_constraints_come_first(self) -> None:
        shares = []
        for constraints in ((), (Constraint("size", "<=", 1.0),)):
            strategy = self.build(*constraints)
            run(strategy, 80, trade)
            shares.append(np.mean([o.metrics["size"] <= 1.0 for o in strategy.history[40:]]))
        assert shares[1] > 2 * shares[0]

    def test_failures_never_survive_where_others_do(self) -> None:
        strategy = self.build()

        def half(arch: Arch) -> Evaluation:
            return Evaluation(math.nan, status="failed") if arch[3] > 1 else trade(arch)

        run(strategy, 41, half)
        survivors = [strategy.history[row] for row in strategy.state()["own"]["parents"]]
        assert all(observation.ok for observation in survivors)

    def test_wrong_options_and_problems_are_refused(self) -> None:
        for options in ({"population": 1}, {"crossover": 1.5}):
            with pytest.raises(UserError, match=next(iter(options))):
                self.build(**options)
        with pytest.raises(UserError, match="objective"):
            make_strategy("nsga2", SPACE)
