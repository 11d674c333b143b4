"""A transformer that reads examples and answers the hyperparameters of a Gaussian process.

What an optimiser of the marginal likelihood finds in dozens of evaluations the network says after
two refinements (amortised inference of hyperparameters: Liu et al., NeurIPS 2020; Bitzer et al.,
UAI 2023). It was trained on what is asked of it, the density of *other* targets, so few examples do
not lead it into certainty as they lead a maximum of their likelihood.

Every column is a token. A refinement pools over the examples what is in the column, the targets and
the left-out residuals of the present process, adds the slopes of the log marginal likelihood, lets
the columns attend to each other and to a token of the whole sample, and answers the next process.
No parameter belongs to a position: columns and examples may come in any order and number.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from surrobench.predictors.pfn.process import KERNELS, Covariances, Evidence, evidence

WIDTH, HEADS, LAYERS, REFINEMENTS, POOLED = 64, 4, 2, 2, 48
LEAST_NOISE = 1e-3
_COLUMN, _WHOLE, _CELL = 8, 8, 5
_FIRST = ((-1.5, 0.0), (0.0, -1.0), (1.0, -2.0))
"""Log of the typical squared distance and log outputscale of each kernel to start from."""
_FIRST_NOISE = -1.5
_REACH_OF_COLUMNS, _REACH = 4.0, 6.0
"""How far log relevances, and log scales and noise, can be from where they start."""


class Refinement(nn.Module):
    """One refinement: from examples and the present process to the next one."""

    def __init__(self) -> None:
        super().__init__()
        kernels = len(KERNELS)
        self.cells = nn.Sequential(
            nn.Linear(_CELL, POOLED), nn.ReLU(), nn.Linear(POOLED, POOLED), nn.ReLU()
        )
        self.column = nn.Linear(POOLED + _COLUMN + 2 * kernels, WIDTH)
        self.whole = nn.Linear(_WHOLE + 3 * kernels, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.to_columns = nn.Linear(WIDTH, kernels)
        self.to_whole = nn.Linear(WIDTH, 2 * kernels + 1)
        for last in (self.to_columns, self.to_whole):
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.bias)

    def forward(
        self, cells: Tensor, column: Tensor, whole: Tensor, real: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Answer for each column (``b x d x j``) and for the whole (``b x (2 j + 1)``)."""
        pooled = self.cells(cells).mean(dim=1)
        tokens = torch.cat(
            [
                self.whole(whole).unsqueeze(1),
                self.column(torch.cat([pooled, column], dim=-1)),
            ],
            dim=1,
        )
        seen = torch.cat([torch.ones_like(real[:, :1]), real], dim=1)
        for block in self.blocks:
            tokens = block(tokens, seen)
        tokens = self.norm(tokens)
        return self.to_columns(tokens[:, 1:]), self.to_whole(tokens[:, 0])


class Block(nn.Module):
    """Attention between tokens and a feed-forward layer, each behind a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.joint = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.wide = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH)
        )

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """From tokens to tokens, ``b x t x width``; only those in ``seen`` (``b x t``) count."""
        b, t, _ = tokens.shape
        joint = self.joint(self.first(tokens)).view(b, t, 3, HEADS, WIDTH // HEADS)
        query, key, value = joint.permute(2, 0, 3, 1, 4)
        found = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=seen[:, None, None, :]
        )
        tokens = tokens + self.out(found.transpose(1, 2).reshape(b, t, WIDTH))
        out: Tensor = tokens + self.wide(self.second(tokens))
        return out


class HyperparameterNetwork(nn.Module):
    """Two refinements, each of which answers a process."""

    def __init__(self) -> None:
        super().__init__()
        self.refinements = nn.ModuleList(Refinement() for _ in range(REFINEMENTS))

    def forward(self, X: Tensor, y: Tensor, real: Tensor) -> list[Covariances]:
        """The process after each refinement; the last one is the answer.

        Args:
            X: columns with the range [0, 1] over the examples, ``b x n x d``; 0 where not real.
            y: normal scores, ``b x n``.
            real: which columns there are, ``b x d``, boolean.
        """
        centred = (X - X.mean(dim=1, keepdim=True)) * real[:, None]
        variances = centred.square().mean(dim=1)
        typical = 2.0 * variances.sum(dim=1).clamp_min(1e-3)
        fixed = _of_columns(X, centred, y, variances, typical, real)
        sizes = _of_sizes(y, real)
        process = _first(centred, typical, real)
        found = []
        for refinement in self.refinements:
            with torch.no_grad():
                known = evidence(centred, y, process)
                cells = _cells(X, centred, y, known)
                column = torch.cat([fixed, _slopes_of_columns(known, process, typical)], dim=-1)
                whole = torch.cat([sizes, _slopes_of_whole(known, process)], dim=-1)
            by_column, of_whole = refinement(cells, column, whole, real)
            process = _answer(by_column, of_whole, typical, real)
            found.append(process)
            process = process.detached()
        return found


def _first(X: Tensor, typical: Tensor, real: Tensor) -> Covariances:
    b = len(X)
    locations = X.new_tensor(_FIRST)
    relevances = (locations[:, 0].exp() / typical[:, None])[..., None] * real[:, None]
    noise = X.new_full((b,), math.exp(_FIRST_NOISE))
    return Covariances(relevances, locations[:, 1].exp().expand(b, -1), noise)


def _answer(by_column: Tensor, whole: Tensor, typical: Tensor, real: Tensor) -> Covariances:
    kernels = len(KERNELS)
    locations = whole.new_tensor(_FIRST)
    by_column = _bounded(by_column, _REACH_OF_COLUMNS)
    distance = (locations[:, 0] + _bounded(whole[:, :kernels], _REACH_OF_COLUMNS)).exp()
    relevances = by_column.transpose(1, 2).exp() * (distance / typical[:, None])[..., None]
    scales = locations[:, 1] + _bounded(whole[:, kernels:-1], _REACH)
    noise = (_FIRST_NOISE + _bounded(whole[:, -1], _REACH)).exp() + LEAST_NOISE
    return Covariances(relevances * real[:, None], scales.exp(), noise)


def _bounded(values: Tensor, reach: float) -> Tensor:
    return reach * torch.tanh(values / reach)


def _of_columns(
    X: Tensor, centred: Tensor, y: Tensor, variances: Tensor, typical: Tensor, real: Tensor
) -> Tensor:
    """What does not change between refinements, ``b x d x 8``."""
    n = y.shape[1]
    targets = y - y.mean(dim=1, keepdim=True)
    spread = (variances * targets.square().mean(dim=1, keepdim=True)).clamp_min(1e-8).sqrt()
    slope = (centred * targets[..., None]).mean(dim=1) / spread
    bend = centred.square() - variances[:, None]
    size = (bend.square().mean(dim=1) * targets.square().mean(dim=1, keepdim=True)).clamp_min(1e-8)
    curve = (bend * targets[..., None]).mean(dim=1) / size.sqrt()
    ends = ((X < 0.01) | (X > 0.99)).to(X).mean(dim=1)
    return torch.stack(
        [
            slope.abs(),
            slope.abs() * math.sqrt(n) / 3.0,
            curve.abs(),
            curve.abs() * math.sqrt(n) / 3.0,
            ends,
            (variances < 1e-6).to(X),
            4.0 * variances,
            (variances / typical[:, None] * real.sum(dim=1, keepdim=True)).clamp_max(10.0).sqrt(),
        ],
        dim=-1,
    )


def _of_sizes(y: Tensor, real: Tensor) -> Tensor:
    """Numbers of examples and columns, ``b x 3``."""
    n = torch.full_like(y[:, 0], math.log(y.shape[1] / 32.0))
    d = (real.sum(dim=1).to(y) / 20.0).log()
    return torch.stack([n, d, y.square().mean(dim=1)], dim=-1)


def _cells(X: Tensor, centred: Tensor, y: Tensor, known: Evidence) -> Tensor:
    """What the pooling reads at each example and column, ``b x n x d x 5``."""
    targets, residuals, deviations = (
        part.unsqueeze(-1).expand_as(X) for part in (y, known.residuals, known.deviations)
    )
    return torch.stack([X, centred, targets, residuals, deviations], dim=-1)


def _slopes_of_columns(known: Evidence, process: Covariances, typical: Tensor) -> Tensor:
    logs = (process.relevances * typical[:, None, None]).clamp_min(1e-4).log()
    return torch.cat([_squashed(known.by_relevance), logs / 3.0], dim=1).transpose(1, 2)


def _slopes_of_whole(known: Evidence, process: Covariances) -> Tensor:
    squares = known.residuals.square()
    return torch.cat(
        [
            _squashed(known.by_relevance.sum(dim=-1)),
            _squashed(known.by_outputscale),
            _squashed(known.by_noise)[:, None],
            process.outputscales.clamp_min(1e-4).log() / 3.0,
            process.noise.log()[:, None] / 3.0,
            squares.mean(dim=1, keepdim=True).clamp_max(10.0),
            (known.residuals * known.deviations).square().mean(dim=1, keepdim=True).clamp_max(10.0),
            known.deviations.log().mean(dim=1, keepdim=True),
        ],
        dim=-1,
    )


def _squashed(slopes: Tensor) -> Tensor:
    """Large slopes are pressed together, small ones stay as they are."""
    return slopes.sign() * slopes.abs().log1p()
