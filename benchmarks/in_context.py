"""What an in-context predictor costs, with networks as large as their packages build by default.

``python benchmarks/in_context.py tabicl tabpfn`` prints CPU seconds of one estimator on one thread
and the memory, each in a process of its own. Weights are random, which takes as long as real ones.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"

import numpy as np
import torch

from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict


def tabicl(folder: Path) -> Path:
    """The regressor with every option as it is in the class."""
    from tabicl._model.tabicl import TabICL

    config = {"max_classes": 0}
    path = folder / "tabicl.ckpt"
    torch.save({"config": config, "state_dict": TabICL(**config).state_dict()}, path)
    return path


def tabpfn(folder: Path) -> Path:
    """Version 3.5, whose defaults are those of a checkpoint, with 5,000 bars."""
    from tabpfn.architectures import ARCHITECTURES
    from tabpfn.checkpoint import save_as_safetensors
    from tabpfn.constants import ModelVersion
    from tabpfn.inference_config import InferenceConfig

    architecture = ARCHITECTURES["tabpfn_v3_5"]
    config, _ = architecture.parse_config({"max_num_classes": 10, "num_buckets": 5000})
    preparation = InferenceConfig.get_default("regression", ModelVersion.V2_5)
    path = folder / "tabpfn.safetensors"
    save_as_safetensors(
        {
            "state_dict": architecture.get_architecture(config).state_dict(),
            "config": asdict(config),
            "architecture_name": "tabpfn_v3_5",
            "inference_config": asdict(preparation),
        },
        path,
    )
    return path


MAKERS = {"tabicl": tabicl, "tabpfn": tabpfn}


def measure(name: str, examples: int, candidates: int, columns: int) -> str:
    """A line of what one fit and one pool cost."""
    rng = np.random.default_rng(0)
    X, pool = (torch.tensor(rng.random((rows, columns))) for rows in (examples, candidates))
    with tempfile.TemporaryDirectory() as folder:
        recipe = make_predictor(name, checkpoint=MAKERS[name](Path(folder)), estimators=1)
        begin = time.process_time()
        model = recipe.fit(X, X.sum(-1, keepdim=True), seed=0)
        fitted = time.process_time()
        predict(model, pool)
        answered = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"{name}: {examples} examples, {candidates} candidates, {columns} columns: "
        f"fit {fitted - begin:.1f} s, answers {answered - fitted:.1f} s, {memory:.1f} GiB"
    )


def main() -> None:
    """Measure each predictor that is named, one process each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=sorted(MAKERS))
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--columns", type=int, default=30)
    given = parser.parse_args()
    if len(given.names) == 1:
        print(measure(given.names[0], given.examples, given.candidates, given.columns))
        return
    sizes = [f"--{key}={getattr(given, key)}" for key in ("examples", "candidates", "columns")]
    for name in given.names:
        subprocess.run([sys.executable, __file__, name, *sizes], check=True)


if __name__ == "__main__":
    main()
