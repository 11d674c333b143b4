#!/usr/bin/env bash
# SMAC 2.4.1 declares a space of 81 configurations exhausted long before it is, and for good.
#
# Four categorical decisions with three choices each, ask-and-tell with a deterministic objective:
# after 16 proposals in a row that are known already, ask() raises
# ConfigurationSpaceExhaustedException while a third of the space was never proposed.
# The generator behind ask() has ended with it: every later ask() raises StopIteration, though the
# optimiser is told of no limit. A loop that falls back on random draws after an error goes on under
# the name of SMAC without it.
# Seen: exhausted after 55 of 81 configurations, StopIteration from then on.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q smac==2.4.1 ConfigSpace==1.2.2
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import logging
import pathlib
import tempfile

from ConfigSpace import Categorical, ConfigurationSpace
from smac import HyperparameterOptimizationFacade, Scenario
from smac.runhistory.dataclasses import TrialValue

logging.disable(logging.CRITICAL)
space = ConfigurationSpace(seed=0)
space.add([Categorical(f"x{i}", ["a", "b", "c"]) for i in range(4)])
folder = pathlib.Path(tempfile.mkdtemp(dir="."))
scenario = Scenario(space, deterministic=True, n_trials=200, seed=0, output_directory=folder)
smac = HyperparameterOptimizationFacade(scenario, lambda config, seed: 0.0, overwrite=True)
seen, errors = set(), []
while len(errors) < 3 and len(seen) < 81:
    try:
        trial = smac.ask()
    except Exception as error:
        errors.append(type(error).__name__)
        continue
    cost = sum("abc".index(trial.config[f"x{i}"]) * (i + 1) for i in range(4))
    seen.add(tuple(trial.config.values()))
    smac.tell(trial, TrialValue(cost=float(cost)))
print("smac", importlib.metadata.version("smac"))
print("configurations proposed:", len(seen), "of 81; then:", errors)
expected = ["ConfigurationSpaceExhaustedException", "StopIteration", "StopIteration"]
assert errors == expected and len(seen) < 75, "the behaviour has changed"
PYTHON
