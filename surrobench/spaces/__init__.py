"""Search spaces: sets of architectures, each a tuple of choice indices.

One module per way of building a network: :mod:`~surrobench.spaces.edge_cells` (operations on the
edges of a cell), :mod:`~surrobench.spaces.stages` (a sequence of modules),
:mod:`~surrobench.spaces.chains` (convolution blocks then fully-connected layers),
:mod:`~surrobench.spaces.transformers` (encoders of alike layers),
:mod:`~surrobench.spaces.choices` (any list of decisions, which is what a table of one's own needs)
and :mod:`~surrobench.spaces.named` (numbers, words and conditional decisions of one's own).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surrobench.base.registry import Registry

if TYPE_CHECKING:
    from surrobench.spaces.architecture import SearchSpace

SPACES: Registry[SearchSpace] = Registry("space")
SPACES.register(
    "nb201",
    "surrobench.spaces.edge_cells:nas_bench_201",
    "NAS-Bench-201 / NATS-Bench topology: 15,625 cells, 4,930 networks (6,466 published)",
)
SPACES.register(
    "tnb101-micro",
    "surrobench.spaces.edge_cells:trans_nas_bench_101_micro",
    "TransNAS-Bench-101 cell level: 4,096 cells",
)
SPACES.register(
    "tnb101-macro",
    "surrobench.spaces.stages:trans_nas_bench_101_macro",
    "TransNAS-Bench-101 macro level: 3,256 skeletons of 4 to 6 modules",
)
SPACES.register(
    "chain",
    "surrobench.spaces.chains:Chains",
    "1-4 convolution blocks and 1-2 fully-connected layers: 271,440 networks",
)
SPACES.register(
    "transformer",
    "surrobench.spaces.transformers:Transformers",
    "transformer encoders of 1-6 layers, as ESM-2 has them: 414 networks",
)
