"""Exact Gaussian processes for finite pools, with kernels over blocks of columns.

``structure`` finds categorical variables in 0/1 columns, ``kernels`` evaluates one block,
``covariance`` combines blocks and fits their hyperparameters, ``factor`` keeps the whole pool while
observations are appended, ``posterior`` is the posterior that acquisition functions look at, with
``sampling`` for joint samples and ``modules`` for the same process in GPyTorch; ``session`` goes
from step to step, and ``recipe`` is the predictor.
"""
