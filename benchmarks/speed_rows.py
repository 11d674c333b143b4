"""What is compared with what: one row of the table of ratios each.

Timings are named after the benchmarks that take them. Several names are added up: they are the
parts of one piece of work.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WHOLE_BOTORCH, INTEGRATED_BOTORCH = "test_search_botorch_whole", "search_botorch_integrated"
NO_OP_CELL = "no_op_cell"


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        work: what is done.
        ours: timings of ours.
        peer: who does it otherwise, and how.
        baseline: timings of the peer.
        floor: timings of the bare linear algebra (or of the bare disk).
        least_ratio: baseline over ours must reach it, if anything is required.
        most_seconds: ours may take so long.
        most_floors: ours over the floor may be so much.
        no_worse: the search whose regret ours must not exceed for the ratio to count.
    """

    work: str
    ours: tuple[str, ...]
    peer: str = ""
    baseline: tuple[str, ...] = ()
    floor: tuple[str, ...] = ()
    least_ratio: float | None = None
    most_seconds: float | None = None
    most_floors: float | None = None
    no_worse: tuple[str, ...] = field(default=())


def _gp_rows() -> list[Row]:
    rows = []
    for name in ("gp-matern52", "gp-matern52-ard"):
        for n in (100, 400):
            fit, predict, at = f"test_fit[{name}-{n}]", f"test_predict_pool[{name}-{n}]", f"n = {n}"
            peer_fit = f"test_fit_gpytorch[{name}-{n}]"
            peer_predict = f"test_predict_pool_gpytorch[{name}-{n}]"
            floor_fit, floor_predict = f"test_fit_floor[{n}]", f"test_predict_pool_floor[{n}]"
            rows += [
                Row(
                    f"{name}: fit and prediction of the pool, {at}",
                    (fit, predict),
                    "SingleTaskGP + fit_gpytorch_mll, same kernel and priors",
                    (peer_fit, peer_predict),
                    (floor_fit, floor_predict),
                    least_ratio=30.0,
                ),
                Row(f"{name}: fit, {at}", (fit,), "fit_gpytorch_mll", (peer_fit,), (floor_fit,)),
                Row(
                    f"{name}: posterior of the pool, {at}",
                    (predict,),
                    "GPyTorch, 256 points at a time",
                    (peer_predict,),
                    (floor_predict,),
                ),
            ]
    return rows


def _acquisition_rows() -> list[Row]:
    return [
        Row(
            "Log-EI over the pool, n = 150",
            ("test_log_ei",),
            "BoTorch, b × 1 × d, its caches warm",
            ("test_log_ei_botorch",),
            ("test_log_ei_floor",),
        ),
        Row(
            "qLog-EI (128 samples) over the pool, n = 150",
            ("test_qlog_ei",),
            "BoTorch, b × 1 × d, its caches warm",
            ("test_qlog_ei_botorch",),
        ),
        Row(
            "qLog-NEHVI (64 samples, two objectives) over the pool, n = 150",
            ("test_qlog_nehvi",),
            "BoTorch, b × 1 × d, its caches warm",
            ("test_qlog_nehvi_botorch",),
        ),
    ]


def _search_rows() -> list[Row]:
    work, ours = "search of 150 evaluations, GP + Log-EI over NAS-Bench-201", ("test_search",)
    incremental, refactorised = ("test_search_floor_incremental",), "test_search_floor_refactorised"
    each = ("test_search_refit_each_step",)
    optuna, smac = ("test_search_optuna_gp",), ("test_search_smac",)
    botorch = (INTEGRATED_BOTORCH,)
    return [
        Row(work, ours, "BoTorch's usual loop", botorch, incremental, 1000.0, no_worse=each),
        Row(work, ours, "Optuna's GP sampler", optuna, incremental, 20.0, no_worse=optuna),
        Row(work, ours, "SMAC3 (random forest)", smac, incremental),
        Row(work, ours, "ours, hyperparameters anew each step", each, incremental),
        Row(
            "the same, hyperparameters anew each step",
            each,
            "BoTorch's usual loop",
            botorch,
            (refactorised,),
        ),
        Row(
            "one step at n = 150, one observation appended",
            ("test_step[append]",),
            "BoTorch's usual step",
            ("test_step_botorch[149]",),
            ("test_step_floor_incremental",),
            most_floors=2.0,
        ),
        Row(
            "one step at n = 150, hyperparameters anew",
            ("test_step[refit]",),
            "BoTorch's usual step",
            ("test_step_botorch[149]",),
            ("test_step_floor_refactorised",),
            most_floors=2.0,
        ),
    ]


def _ensemble_rows() -> list[Row]:
    peers = {
        "mlp": ("MLP ensemble of 5", "scikit-learn, 5 MLPRegressor, same shape and epochs", "mlp"),
        "forest": ("random forest, 300 trees", "scikit-learn, tree by tree", ""),
        "xgboost": ("8 boosted models, 100 trees each", "XGBRegressor, no bootstrap", "xgboost"),
    }
    rows = []
    for kind, (work, peer, parameter) in peers.items():
        suffix = f"test_ensemble_{{}}_peer[{parameter}]" if parameter else "test_forest_{}_peer"
        parts = {
            "fit": ((f"test_ensemble_fit[{kind}]",), (suffix.format("fit"),)),
            "prediction of the pool": (
                (f"test_ensemble_predict[{kind}]",),
                (suffix.format("predict"),),
            ),
        }
        ours = tuple(name for part, _ in parts.values() for name in part)
        theirs = tuple(name for _, part in parts.values() for name in part)
        least = 10.0 if kind == "mlp" else None
        floors = ("test_mlp_fit_floor", "test_mlp_predict_floor") if kind == "mlp" else ()
        both = f"{work}: fit and prediction, n = 200"
        rows.append(Row(both, ours, peer, theirs, floors, least_ratio=least))
        for i, (part, (own, other)) in enumerate(parts.items()):
            rows.append(Row(f"{work}: {part}, n = 200", own, peer, other, floors[i : i + 1]))
    return rows


def _seed_rows() -> list[Row]:
    kinds = {
        "likelihoods": ("gp-matern52: one likelihood and gradient", "20 single calls of ours"),
        "networks": ("MLP ensemble of 5: training", "20 single trainings of ours"),
    }
    return [
        Row(
            f"{work}, 20 seeds at once, n = {n}",
            (f"test_{kind}_at_once[{n}]",),
            peer,
            (f"test_{kind}_one_by_one[{n}]",),
        )
        for kind, (work, peer) in kinds.items()
        for n in (25, 50, 100, 200)
    ]


def _study_rows() -> list[Row]:
    return [
        Row(
            "study nb201-predictors on 2 workers",
            ("test_study_two_workers",),
            "scikit-learn, XGBoost and BoTorch directly, cell by cell",
            ("test_study_direct",),
            least_ratio=8.0,
        ),
        Row(
            "one cell that does nothing",
            (NO_OP_CELL,),
            floor=("test_no_op_cell_floor",),
            most_seconds=0.020,
        ),
        Row(
            "resuming 10,000 finished cells",
            ("test_resume_10000_cells",),
            floor=("test_resume_floor",),
            most_seconds=1.0,
        ),
        Row("surrobench --help", ("test_help",), floor=("test_help_floor",), most_seconds=0.5),
    ]


def _table_rows() -> list[Row]:
    tables = [
        Row(
            f"loading {name}",
            (f"test_load_table[{name}]",),
            "pandas and a dictionary of rows",
            (f"test_load_table_pandas[{name}]",),
            (f"test_load_table_floor[{name}]",),
        )
        for name in ("live/digits-chain", "nb201/cifar10-val")
    ]
    peer, floor = ("test_encode_pool_scikit_learn",), ("test_encode_pool_floor",)
    one_hot = ("test_encode_pool[one-hot]",)
    return [
        *tables,
        Row("encoding 15,625 cells, one-hot", one_hot, "scikit-learn's OneHotEncoder", peer, floor),
        Row("encoding 15,625 cells, adjacency", ("test_encode_pool[adjacency]",), floor=floor),
        Row("encoding 15,625 cells, paths", ("test_encode_pool[path]",), floor=floor),
    ]


ROWS: tuple[Row, ...] = (
    *_search_rows(),
    *_gp_rows(),
    *_acquisition_rows(),
    *_ensemble_rows(),
    *_seed_rows(),
    *_study_rows(),
    *_table_rows(),
)
