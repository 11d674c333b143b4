"""Predictors that put a partial training beside what is known without any."""

from __future__ import annotations

from dataclasses import dataclass

from surrobench.base.options import check_choice
from surrobench.errors import UserError
from surrobench.predictors.learners.library_regressors import NGBoost
from surrobench.predictors.recipe import option

_CLOSE_TO_ALL = 0.999
_CURVES = ("sum", "last")


@dataclass(frozen=True, kw_only=True)
class Omni(NGBoost):
    """NGBoost on the architecture, a zero-cost proxy and a partial learning curve.

    OMNI of White et al., "How Powerful are Performance Predictors in Neural Architecture Search?"
    (NeurIPS 2021): its columns are the encoded architecture, the pool rank of a proxy (there the
    Jacobian covariance, ``jacov``) and that of one number of the first epochs (there the sum of
    training losses); see :class:`~surrobench.encodings.curves.Curve` and
    :class:`~surrobench.encodings.measured.Measured`. With other models the columns are those of
    the encoding ``"one-hot+measured:jacov+curve-sum:0.2"``.

    The curve has to be paid for: every architecture that is asked about is trained for its share
    of the epochs.

    Args:
        architecture: its encoding.
        proxies: measured columns with commas between; an empty text for none.
        curve: ``"sum"`` of training losses, or ``"last"``, the value after the share of the epochs,
            for tables without training losses.
        fraction: of the epochs that have been seen.
    """

    architecture: str = "one-hot"
    proxies: str = "jacov"
    curve: str = "sum"
    fraction: float = option(0.2, least=1e-6, most=_CLOSE_TO_ALL)

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        super().__post_init__()
        check_choice(self, "curve", self.curve, _CURVES)
        for name in ("architecture", "proxies"):
            value = getattr(self, name)
            if not isinstance(value, str) or (name == "architecture" and not value.strip()):
                raise UserError(f"Omni: option {name!r} is {value!r}; write a name, as in 'jacov'.")

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding that this predictor insists on."""
        proxies = f"+measured:{self.proxies}" if self.proxies.strip() else ""
        return f"{self.architecture}{proxies}+curve-{self.curve}:{self.fraction:g}"
