#!/usr/bin/env bash
# The Gaussian process of Optuna 5.0.0 asks again for what it knows while a point was never tried.
#
# Two categorical parameters with three choices, a deterministic objective, 30 trials of
# GPSampler: nine configurations exist, one of them is never proposed, and 22 trials repeat a
# configuration whose value is known. A comparison by number of trials has to say what it does about
# repetitions.
# Seen: 8 different configurations in 30 trials.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q optuna==5.0.0 torch==2.13.0 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    return sum(
        int(trial.suggest_categorical(f"x{i}", ["0", "1", "2"])) * (i + 1) for i in range(2)
    )


study = optuna.create_study(sampler=optuna.samplers.GPSampler(seed=0, n_startup_trials=5))
study.optimize(objective, n_trials=30)
points = [tuple(trial.params.values()) for trial in study.trials]
print("optuna", optuna.__version__)
print("different configurations:", len(set(points)), "of 9 in", len(points), "trials")
assert len(points) == 30 and len(set(points)) < 9, "the behaviour has changed"
PYTHON
