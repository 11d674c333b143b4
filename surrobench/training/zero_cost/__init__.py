"""Zero-cost proxies: scores of an untrained network from one batch.

Names are those of the columns that published tables have, or of the papers. A larger score is meant
to go with a better network; none of them is a fact about accuracy, so compare each with ``params``
and ``flops``. Each is tried against published columns, or what its paper reports, in
``benchmarks/zero_cost.py``. Rank sums of several (AZ-NAS, VKDNW) need a pool: they are encodings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surrobench.base.registry import Registry

if TYPE_CHECKING:
    from surrobench.training.zero_cost.proxy import Proxy

PROXIES: Registry[Proxy] = Registry("zero_cost_score")
for _name, _module, _summary in (
    ("params", "sizes", "number of trainable parameters"),
    ("flops", "sizes", "floating-point operations of one image"),
    ("l2_norm", "sizes", "sum of the norms of the weights (Abdelfattah et al., 2021)"),
    ("grad_norm", "gradients", "sum of the norms of the gradients (Abdelfattah et al., 2021)"),
    ("snip", "gradients", "sum of |weight x gradient| (Lee et al., 2019)"),
    ("grasp", "gradients", "change of the gradient norm without the weights (Wang et al., 2020)"),
    ("synflow", "gradients", "log of the synaptic flow, without data (Tanaka et al., 2020)"),
    ("fisher", "gradients", "Fisher information of the channels (Turner et al., 2020)"),
    ("jacov", "jacobians", "how little the inputs' Jacobians correlate (Mellor et al., 2020)"),
    ("epe_nas", "jacobians", "the same within each class (Lopes et al., 2021)"),
    ("nwot", "activations", "how differently ReLUs answer to the inputs (Mellor et al., 2021)"),
    ("zen", "activations", "sensitivity of the features to the input (Lin et al., 2021)"),
    ("layers", "sizes", "number of trained layers (Týbl & Neumann, 2025)"),
    ("zico", "gradients", "how little gradients vary between batches (Li et al., 2023)"),
    ("swap", "activations", "number of patterns of units over the inputs (Peng et al., 2024)"),
    ("expressivity", "blocks", "entropy of the features' spectrum, AZ-NAS (Lee & Ham, 2024)"),
    ("progressivity", "blocks", "its smallest increase from block to block, AZ-NAS"),
    ("trainability", "blocks", "how near the gain of each block is to 1, AZ-NAS"),
    ("vkdnw", "fisher_spectrum", "entropy of the Fisher spectrum (Týbl & Neumann, 2025)"),
    ("vkdnw_single", "fisher_spectrum", "layers + vkdnw (Týbl & Neumann, 2025)"),
    ("intrain", "intrinsic", "spread of features and gradients (Zhou et al., 2026)"),
):
    PROXIES.register(_name, f"surrobench.training.zero_cost.{_module}:{_name}", _summary)
