"""Predictors: recipes that learn accuracy from encoded architectures, and how to name them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from surrobench.base.options import check_names, option_names
from surrobench.base.registry import Registry, built, import_attribute, is_own
from surrobench.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from surrobench.predictors.protocol import Predictor

TRANSFORMS: tuple[str, ...] = ("none", "standardise", "quantile-normal")
"""Names of the target transforms."""

WRAPPING = ("transform", "bootstrap")
"""Options of a wrapped regressor that are not the regressor's own."""

PREDICTORS: Registry[Predictor] = Registry("predictor", '{use = "random-forest", trees = 500}')

for _short, _kernel, _label in (
    ("rbf", "rbf", "RBF"),
    ("matern12", "matern-1/2", "Matérn-1/2"),
    ("matern32", "matern-3/2", "Matérn-3/2"),
    ("matern52", "matern-5/2", "Matérn-5/2"),
):
    for _suffix, _ard in (("", False), ("-ard", True)):
        PREDICTORS.register(
            f"gp-{_short}{_suffix}",
            "surrobench.predictors.gp.gp:ExactGP",
            f"Gaussian process, {_label} kernel, "
            + ("one lengthscale per feature" if _ard else "one shared lengthscale"),
            kernel=_kernel,
            ard=_ard,
        )
for _name, _combine, _summary in (
    ("gp-categorical", "product", "one categorical kernel per variable, all multiplied"),
    (
        "gp-blocks",
        "sum",
        "a kernel for each part of the encoding, added: categorical or Matérn-5/2",
    ),
    (
        "gp-mixed",
        "product",
        "a kernel for each part of the encoding, multiplied: categorical or Matérn-5/2",
    ),
):
    PREDICTORS.register(
        _name,
        "surrobench.predictors.gp.recipe:PoolGP",
        f"Gaussian process, {_summary}",
        combine=_combine,
    )
PREDICTORS.register(
    "gp-graph",
    "surrobench.predictors.gp.recipe:PoolGP",
    "Gaussian process for measured+graph+wl: RBF over proxies with a lengthscale each, Matérn-5/2 "
    "over graph features, added",
    combine="sum",
    ard=("measured",),
    fitted_examples=1000,
)
PREDICTORS.register(
    "gp-sparse",
    "surrobench.predictors.sparse_gp.recipe:SparseGP",
    "sparse variational Gaussian process for thousands of examples: 500 of them are inducing "
    "points, Matérn-5/2, one lengthscale per feature",
)
PREDICTORS.register(
    "stacking",
    "surrobench.predictors.learners.stacking:Stacking",
    "a Gaussian process and a forest, weighed by cross-validation; for measured+graph+wl, "
    "of cells also measured+graph+wl+other-spaces",
)
PREDICTORS.register(
    "pfn",
    "surrobench.predictors.pfn.recipe:InContext",
    "Gaussian process whose hyperparameters a transformer says, trained on made-up tables",
)
PREDICTORS.register(
    "gp-transfer",
    "surrobench.predictors.transfer.transfer:TransferGP",
    "Gaussian process whose prior mean is learned on the study's sources (other tasks)",
)
for _name, _target, _summary in (
    (
        "rgpe",
        "transfer.rgpe:RGPE",
        "Gaussian processes of the study's sources and of the target, weighted by how they rank",
    ),
    (
        "gp-multitask",
        "transfer.multi_task:MultiTaskGP",
        "Gaussian process over the target and the study's sources (coregionalisation)",
    ),
    (
        "few-shot-deep-kernel",
        "transfer.few_shot:FewShotDeepKernel",
        "Gaussian processes on features of networks meta-learned on the study's sources (FSBO)",
    ),
    (
        "source-features",
        "transfer.source_features:SourceFeatures",
        "any predictor with predictions for the study's sources as further columns",
    ),
):
    PREDICTORS.register(_name, f"surrobench.predictors.{_target}", _summary)
for _name, _summary, _settings in (
    ("xgb-plus", "one XGBoost model as GRAF's XGB+: 10,000 trees at 0.01", {}),
    (
        "xgb-plus-fast",
        "xgb-plus with 500 trees at 0.05 on a third of the columns each",
        {"rounds": 500, "learning_rate": 0.05, "colsample": 0.33},
    ),
):
    PREDICTORS.register(
        _name, "surrobench.predictors.learners.single_boosting:XGBoostPlus", _summary, **_settings
    )
for _name, _target, _summary in (
    ("lightgbm", "LightGBM", "bootstrap ensemble of LightGBM models"),
    ("catboost", "CatBoost", "bootstrap ensemble of CatBoost models"),
    ("ngboost", "NGBoost", "NGBoost: natural gradient boosting of a normal distribution"),
    ("quantile-forest", "QuantileForest", "quantile regression forest"),
):
    PREDICTORS.register(
        _name,
        f"surrobench.predictors.learners.library_regressors:{_target}",
        f"{_summary} (needs the extra 'boosting')",
    )
for _name, _target, _extra in (
    ("tabpfn", "TabPFN", "in-context"),
    ("tabicl", "TabICL", "in-context"),
    ("tabdpt", "TabDPT", "tabdpt"),
):
    PREDICTORS.register(
        _name,
        f"surrobench.predictors.in_context.{_name}:{_target}",
        f"{_target}, a transformer that reads the examples as its input "
        f"(needs the extra '{_extra}' and a checkpoint on disk)",
    )
PREDICTORS.register(
    "omni",
    "surrobench.predictors.learners.hybrids:Omni",
    "NGBoost on architecture, a proxy and a fifth of the learning curve (needs 'boosting')",
)
for _name, _target, _summary in (
    (
        "dngo",
        "learners.last_layer:LastLayer",
        "Bayesian linear regression on a network's last layer (DNGO)",
    ),
    ("random-forest", "learners.trees:RandomForest", "300 regression trees, variance over trees"),
    (
        "random-forest-hist",
        "learners.trees:HistogramForest",
        "random-forest with splits between bins, quicker",
    ),
    ("xgboost", "learners.trees:XGBoost", "bootstrap ensemble of boosted trees"),
    (
        "xgboost-hist",
        "learners.trees:HistogramXGBoost",
        "xgboost with splits between bins, quicker",
    ),
    ("mlp-ensemble", "learners.neural:MLPEnsemble", "cross-validation ensemble of small networks"),
    ("svr", "learners.kernel_machines:SVR", "support vector regression, cross-validated deviation"),
    ("knn", "learners.neighbours:NearestNeighbours", "nearest neighbours with shared ties"),
    ("bayesian-ridge", "learners.linear:BayesianRidge", "Bayesian linear regression"),
    ("constant", "learners.baselines:Constant", "mean and deviation of the training targets"),
    ("params", "learners.baselines:Params", "line through the parameter count"),
    ("flops", "learners.baselines:Flops", "line through the FLOPs"),
    ("layers", "learners.baselines:Layers", "line through the number of trained layers"),
    ("az-nas", "learners.baselines:AZNAS", "line through the rank sum of four proxies (AZ-NAS)"),
    ("vkdnw-agg", "learners.baselines:VKDNWAggregate", "line through the rank sum of five (VKDNW)"),
):
    PREDICTORS.register(_name, f"surrobench.predictors.{_target}", _summary)
PREDICTORS.register(
    "dngo-held-out",
    "surrobench.predictors.learners.last_layer:LastLayer",
    "dngo whose noise is what networks miss left-out examples by",
    folds=10,
)
for _name, _target, _summary in (
    ("gp-similarity", "SimilarityGP", "Gaussian process over given similarities"),
    ("knn-similarity", "SimilarNeighbours", "nearest neighbours by given similarities"),
):
    PREDICTORS.register(_name, f"surrobench.predictors.learners.similarity:{_target}", _summary)
for _name, _part, _summary in (
    ("last-value", "last", "line through the value after a fifth of the epochs"),
    ("sum-of-losses", "sum", "line through the sum of training losses of a fifth of the epochs"),
    ("extrapolation", "extrapolated", "line through a power law fitted to a fifth of the epochs"),
):
    PREDICTORS.register(
        _name, "surrobench.predictors.learners.curves:CurveColumn", _summary, part=_part
    )
PREDICTORS.register(
    "lc-svr",
    "surrobench.predictors.learners.curves:CurveSVR",
    "support vectors on the first fifth of the learning curve (LC-SVR)",
)
for _loss, _summary in (
    ("hinge", "pairs of ranks (hinge)"),
    ("listmle", "whole rankings (ListMLE)"),
):
    PREDICTORS.register(
        f"mlp-{_loss}",
        "surrobench.predictors.learners.neural:MLPEnsemble",
        f"cross-validation ensemble of small networks that learn {_summary}",
        loss=_loss,
    )
for _name, _target, _summary in (
    ("gcn", "ConvolutionEnsemble", "graph convolutional networks"),
    ("graph-transformer", "TransformerEnsemble", "small transformers over graphs"),
):
    PREDICTORS.register(
        _name,
        f"surrobench.predictors.graphs.graph_ensembles:{_target}",
        f"cross-validation ensemble of {_summary}",
    )
for _name in (
    "gp-matern52",
    "gp-matern52-ard",
    "gp-categorical",
    "random-forest",
    "xgboost",
    "mlp-ensemble",
    "svr",
    "knn",
    "bayesian-ridge",
):
    PREDICTORS.register(
        f"{_name}-tuned",
        "surrobench.predictors.learners.tuned:Tuned",
        f"{_name}, settings chosen by cross-validation inside the training sample",
        predictor=_name,
    )
for _name in (
    "l2_norm",
    "grad_norm",
    "snip",
    "grasp",
    "synflow",
    "fisher",
    "jacov",
    "epe_nas",
    "nwot",
    "zen",
    "zico",
    "swap",
    "expressivity",
    "progressivity",
    "trainability",
    "vkdnw",
    "vkdnw_single",
    "intrain",
):
    PREDICTORS.register(
        _name,
        "surrobench.predictors.learners.baselines:MeasuredColumn",
        f"line through the zero-cost proxy {_name}",
        column=_name,
    )


def make_predictor(spec: Any, **options: Any) -> Predictor:
    """Build a predictor from what a study file or a command line says.

    Args:
        spec: a registered name, a dotted path ``"module:Attribute"`` (of a predictor, or of a
            regressor shaped like scikit-learn's, which is wrapped), either with a target transform
            behind a plus sign (``"svr+quantile-normal"``), or a mapping with the name under
            ``use`` and options beside it (``{use = "random-forest", trees = 500}``). A class or an
            instance may stand for the name.
        options: options that override those of ``spec``.

    Raises:
        UserError: for an unknown name, option or transform, with the nearest valid ones.

    Example:
        >>> import torch, surrobench as sb
        >>> X = torch.rand(20, 3, dtype=torch.float64, generator=torch.manual_seed(0))
        >>> y = X.sum(-1, keepdim=True)
        >>> model = sb.make_predictor("random-forest", trees=20).fit(X, y, seed=0)
        >>> model.posterior(X).mean.shape
        torch.Size([20, 1])
    """
    spec, given = _take_object(spec)
    name, chosen = _read_spec(spec)
    chosen = {**chosen, **options}
    transform = chosen.get("transform")
    if transform is not None and transform not in TRANSFORMS:
        raise UserError(
            f"predictor {name!r}: unknown transform {transform!r}. "
            + did_you_mean(str(transform), TRANSFORMS)
        )
    if given is not None:
        return _from_object(name, given, chosen)
    if name not in PREDICTORS.names() and ":" in name:
        return _from_path(name, name, chosen)
    entry = PREDICTORS.entry(name)
    if not is_own(entry.target):  # a plug-in: the same shapes as behind a dotted path
        return _from_object(name, PREDICTORS.load(name), chosen)
    _check_options(name, import_attribute(entry.target), chosen)
    return PREDICTORS.create(name, **chosen)


def _take_object(spec: Any) -> tuple[Any, Any]:
    """A specification with a name for the object in it, and the object; None if it names one."""
    from surrobench.predictors.given import GivenPart

    use = spec.get("use") if isinstance(spec, Mapping) else spec
    if isinstance(use, str) and not isinstance(use, GivenPart):
        return spec, None
    if not isinstance(use, GivenPart):
        if not hasattr(use, "fit"):
            if _is_data(use):
                return spec, None  # which is refused for what it is
            from surrobench.predictors.regressors import not_a_regressor

            raise not_a_regressor(use)
        named, value = GivenPart.of(use), use
    else:
        named, value = use, use.value()
    return ({**spec, "use": str(named)} if isinstance(spec, Mapping) else str(named)), value


def _is_data(use: Any) -> bool:
    """Whether it is what a study file can hold, not an object of a program."""
    return use is None or isinstance(use, Mapping | Sequence | int | float)


def _read_spec(spec: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and options of a specification; ``+transform`` becomes an option."""
    read = PREDICTORS.read(spec)
    name, plus, transform = read.name.partition("+")
    if plus and read.options.setdefault("transform", transform) != transform:
        raise UserError(f"predictor {read.name!r}: the option 'transform' says otherwise.")
    return name.strip(), read.options


def _check_options(
    name: str, factory: Any, options: Mapping[str, Any], more: Sequence[str] = ()
) -> None:
    """Refuse options that the factory does not take; ``more`` are taken elsewhere."""
    taken = option_names(factory)
    check_names(f"predictor {name!r}", options, None if taken is None else [*taken, *more])


def _takes(factory: Any, option: str) -> bool:
    """Whether a factory has an option ``bootstrap`` of its own, as forests do."""
    try:
        return option == "bootstrap" and option in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def _from_path(name: str, path: str, options: dict[str, Any]) -> Predictor:
    """A predictor from a dotted path, by itself or behind a name; a regressor is wrapped."""
    return _from_object(name, import_attribute(path), options)


def _from_object(name: str, value: Any, options: dict[str, Any]) -> Predictor:
    """A predictor from a class, a factory or an instance; a regressor is wrapped."""
    from surrobench.predictors.regressors import (
        as_predictor,
        is_predictor,
        is_regressor,
        not_a_regressor,
    )

    if is_predictor(value) and not isinstance(value, type):
        _check_options(name, None, options)
        predictor: Predictor = value
        return predictor
    if is_predictor(value):
        _check_options(name, value, options)
        return cast("Predictor", built("predictor", name, "", value, options))
    wrapping = {
        key: options.pop(key) for key in WRAPPING if key in options and not _takes(value, key)
    }
    if isinstance(value, type) or not is_regressor(value):
        if not callable(value):
            raise not_a_regressor(value, name)
        _check_options(name, value, options, WRAPPING)
        value = built("predictor", name, "", value, options)
        options = {}
    _check_options(name, None, options, WRAPPING)
    if is_predictor(value):
        _check_options(name, None, wrapping)
        return cast("Predictor", value)
    return as_predictor(value, **wrapping)
