# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reading a calibration plot
#
# A predictor states an interval for each candidate. Here one is drawn from scratch, and its
# uncertainty is then spoilt on purpose, to see what dishonesty looks like.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import norm

from surrobench import load_task, make_predictor
from surrobench.encodings import make_encoding
from surrobench.studies.prediction.protocols import split

task = load_task("live/digits-chain")
train, test = split(task, "grouped", 100, seed=0)
X = make_encoding("one-hot")(task.archs, task.space, task.measured)
y = np.asarray(task.truth)

model = make_predictor("gp-matern52").fit(
    torch.as_tensor(X[train]), torch.as_tensor(y[train])[:, None], seed=0
)
posterior = model.posterior(torch.as_tensor(X[test]), observation_noise=True)
mean = posterior.mean.detach().squeeze(-1).numpy()
deviation = posterior.variance.detach().squeeze(-1).sqrt().numpy()
print(f"{len(test)} test architectures, mean stated deviation {deviation.mean():.2f} {task.unit}")

# %% [markdown]
# Where does each true value lie in its predicted distribution? For an honest predictor these
# places (the probability integral transform) are spread evenly between 0 and 1.

# %%
pit = norm.cdf(y[test], mean, deviation)
figure, axes = plt.subplots(figsize=(4.5, 2.5))
axes.hist(pit, bins=20, color="#0072b2")
_ = axes.set(xlabel="place of the true value", ylabel="architectures")
# %% [markdown]
# From them follows the coverage at every level. The same predictor with half and with twice its
# deviation shows both kinds of error:

# %%
from surrobench.metrics.calibration import LEVELS, calibration_error, coverages

figure, axes = plt.subplots(figsize=(4, 4))
axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted")
for factor, name in ((0.5, "half the deviation"), (1.0, "as stated"), (2.0, "twice")):
    places = norm.cdf(y[test], mean, factor * deviation)
    error = calibration_error(places)
    axes.plot(LEVELS, coverages(places), marker="o", label=f"{name}: error {error:.2f}")
axes.set(xlabel="nominal coverage", ylabel="observed coverage")
_ = axes.legend()
# %% [markdown]
# Below the diagonal intervals are too narrow: the predictor is too sure of itself. Above, too wide.
# The ranking is the same for all three, so Kendall τ cannot tell them apart; CRPS can.

# %%
from surrobench.metrics.calibration import gaussian_crps

for factor in (0.5, 1.0, 2.0):
    print(
        f"deviation x {factor}: CRPS {gaussian_crps(y[test], mean, factor * deviation).mean():.3f}"
    )
