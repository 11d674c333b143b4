"""Adapters of TabPFN, TabICL and TabDPT, with networks of random weights from files."""

from __future__ import annotations

import hashlib
import pickle
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from random_checkpoints import MAKERS, tabicl, tabpfn_as_safetensors

from surrobench.base.process_state import read_settings
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict
from surrobench.predictors.recipe import canonical_rows
from surrobench.testing.predictor_contract import global_states, same_states

RNG = np.random.default_rng(4)
X = torch.tensor(RNG.random((40, 5)))
Y = (X[:, :1] * 3.0 - X[:, 1:2] + 0.1 * torch.tensor(RNG.standard_normal((40, 1)))).double()
POOL = torch.tensor(RNG.random((60, 5)))
NAMES = list(MAKERS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each package that is installed."""
    folder = tmp_path_factory.mktemp("checkpoints")
    found = {}
    for name, make in MAKERS.items():
        try:
            found[name] = make(folder)
        except ModuleNotFoundError:
            continue
    return found


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, files: dict[str, Path]) -> str:
    """Of a predictor whose package is installed."""
    if request.param not in files:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


def standardised() -> tuple[Any, Any, float, float]:
    """Examples in the order and units in which packages get them."""
    inputs, targets = canonical_rows(X, Y)
    shift, scale = float(Y.mean()), float(Y.std(correction=0))
    return inputs.numpy(), ((targets.numpy() - shift) / scale).ravel(), shift, scale


def asked_directly(name: str, path: Path, seed: int) -> Any:
    """Means of the package's own regressor, in units of the targets."""
    inputs, targets, shift, scale = standardised()
    pool = POOL.numpy()
    if name == "tabpfn":
        from tabpfn import TabPFNRegressor

        regressor = TabPFNRegressor(
            model_path=path,
            n_estimators=8,
            device="cpu",
            random_state=seed,
            inference_precision=torch.float32,
        ).fit(inputs, targets)
        mean = regressor.predict(pool)
    elif name == "tabicl":
        from tabicl import TabICLRegressor

        regressor = TabICLRegressor(
            model_path=path, allow_auto_download=False, device="cpu", random_state=seed
        ).fit(inputs, targets)
        mean = regressor.predict(pool)
    else:
        from tabdpt import TabDPTRegressor

        regressor = TabDPTRegressor(model_weight_path=str(path), device="cpu", verbose=False)
        regressor.fit(inputs, targets)
        mean = regressor.predict(pool, n_ensembles=8, seed=seed)
    return mean * scale + shift


def test_means_are_those_of_the_package(name: str, files: dict[str, Path]) -> None:
    ours = make_predictor(name, checkpoint=files[name]).fit(X, Y, seed=3)
    mean = predict(ours, POOL).mean
    expected = asked_directly(name, files[name], 3)
    assert np.ptp(expected) > 0.01 * float(Y.std()), "random weights that answer one number"
    np.testing.assert_allclose(mean, expected, atol=1e-5 * float(Y.std()))


def test_deviations_are_those_of_the_distribution(name: str, files: dict[str, Path]) -> None:
    """Quantiles of the package, closely spaced, have the same mean and variance."""
    inputs, targets, shift, scale = standardised()
    path, pool = files[name], POOL.numpy()
    levels = ((np.arange(1999) + 0.5) / 1999).tolist()
    ours = make_predictor(name, checkpoint=path, estimators=1).fit(X, Y, seed=3)
    told = predict(ours, POOL)
    if name == "tabpfn":
        from tabpfn import TabPFNRegressor

        regressor = TabPFNRegressor(
            model_path=path,
            n_estimators=1,
            device="cpu",
            random_state=3,
            inference_precision=torch.float32,
        ).fit(inputs, targets)
        quantiles = np.stack(
            regressor.predict(pool, output_type="quantiles", quantiles=levels), axis=1
        )
    elif name == "tabicl":
        from tabicl import TabICLRegressor

        regressor = TabICLRegressor(
            model_path=path,
            n_estimators=1,
            allow_auto_download=False,
            device="cpu",
            random_state=3,
        ).fit(inputs, targets)
        known = (np.arange(1, 100) / 100).tolist()  # the network's own, outside of which it guesses
        quantiles = regressor.predict(pool, output_type="quantiles", alphas=known)
    else:
        from tabdpt import TabDPTRegressor
        from tabdpt.bar_distribution import distribution_quantiles

        regressor = TabDPTRegressor(model_weight_path=str(path), device="cpu", verbose=False)
        regressor.fit(inputs, targets)
        full = regressor.predict(pool, n_ensembles=1, seed=3, output_type="full")
        quantiles = np.stack(distribution_quantiles(full, levels), axis=1)
    np.testing.assert_allclose(told.mean, quantiles.mean(axis=1) * scale + shift, atol=0.02 * scale)
    np.testing.assert_allclose(told.std, quantiles.std(axis=1) * scale, rtol=0.03)


def test_the_later_format_of_tabpfn_is_read(tmp_path: Path) -> None:
    pytest.importorskip("tabpfn")
    path = tabpfn_as_safetensors(tmp_path)
    mean = predict(make_predictor("tabpfn", checkpoint=path).fit(X, Y, seed=3), POOL).mean
    expected = asked_directly("tabpfn", path, 3)
    np.testing.assert_allclose(mean, expected, atol=1e-5 * float(Y.std()))


def test_nothing_outside_is_touched(
    name: str, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the network nor generators, threads, environment and other settings."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    for asked in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, asked, refuse)
    settings, generators = read_settings(), global_states()
    model = make_predictor(name, checkpoint=files[name], estimators=2).fit(X, Y, seed=0)
    predict(model, POOL)
    changed = {key for key, value in read_settings().items() if settings.get(key, value) != value}
    assert not changed
    assert not same_states(generators, global_states())


def test_rows_at_a_time_change_no_answer(name: str, files: dict[str, Path]) -> None:
    at_once, few = (
        make_predictor(name, checkpoint=files[name], estimators=2, rows=rows).fit(X, Y, seed=0)
        for rows in (1000, 7)
    )
    for one, other in zip(
        (predict(at_once, POOL).mean, predict(at_once, POOL).std),
        (predict(few, POOL).mean, predict(few, POOL).std),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-4 * float(Y.std()))


def test_the_environment_names_a_checkpoint(
    name: str, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"SURROBENCH_{name.upper()}"
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UserError, match=f"unavailable without a checkpoint.*{variable}"):
        make_predictor(name).fit(X, Y, seed=0)
    monkeypatch.setenv(variable, str(files[name]))
    named = make_predictor(name, estimators=1).fit(X, Y, seed=0)
    given = make_predictor(name, estimators=1, checkpoint=str(files[name])).fit(X, Y, seed=0)
    np.testing.assert_array_equal(predict(named, POOL).mean, predict(given, POOL).mean)
    monkeypatch.setenv(variable, str(files[name].parent / "none.ckpt"))
    with pytest.raises(UserError, match=rf"{variable} names .*none\.ckpt, which does not exist"):
        make_predictor(name).fit(X, Y, seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_package_is_named_with_what_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_predictor(name)  # can be named without it
    monkeypatch.setitem(sys.modules, name, None)
    extra = "tabdpt" if name == "tabdpt" else "in-context"
    with pytest.raises(UserError, match=rf"pip install 'surrobench\[{extra}\]'"):
        recipe.fit(X, Y, seed=0)


class Armed:
    """Would write a file if a pickle of it were run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_files_that_are_no_checkpoint_are_refused(
    name: str, files: dict[str, Path], tmp_path: Path
) -> None:
    def refused(path: Path, why: str) -> None:
        with pytest.raises(UserError, match=why):
            make_predictor(name, checkpoint=path).fit(X, Y, seed=0)

    refused(tmp_path, "which is a folder")
    refused(tmp_path / "absent.ckpt", "which does not exist")
    short = tmp_path / files[name].name
    content = files[name].read_bytes()
    short.write_bytes(content[: len(content) // 2])
    refused(short, "damaged or incomplete")
    text = tmp_path / "text.ckpt"
    text.write_text("nothing of the kind")
    refused(text, "neither a zip archive as torch.save writes it nor safetensors")
    ran = tmp_path / "ran"
    armed = tmp_path / "armed.ckpt"
    torch.save({"state_dict": {}, "config": {"emsize": 1}, "more": Armed(ran)}, armed)
    refused(armed, "could run code of their own")
    bare = tmp_path / "pickle.ckpt"
    bare.write_bytes(pickle.dumps(Armed(ran)))
    refused(bare, "neither a zip archive")
    assert not ran.exists()
    tensors = tmp_path / "tensors.ckpt"
    torch.save({"weights": torch.zeros(2)}, tensors)
    refused(tensors, "no checkpoint of a regressor known here")
    for other, path in files.items():
        if other != name:
            refused(
                path,
                f"is a checkpoint of {other}; this predictor needs one of(?i:) ".replace(
                    other, f"(?i:{other})"
                ),
            )


def test_a_checkpoint_that_lacks_weights_is_refused(
    name: str, files: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / files[name].name
    if path.suffix == ".safetensors":
        from safetensors import safe_open
        from safetensors.torch import save_file

        with safe_open(files[name], framework="pt") as file:
            header, names = file.metadata(), sorted(file.keys())
            save_file({key: file.get_tensor(key) for key in names[1:]}, path, metadata=header)
    else:
        content = torch.load(files[name], weights_only=True)
        content["state_dict"].pop(sorted(content["state_dict"])[-1])
        torch.save(content, path)
    with pytest.raises(UserError, match=f"{name} .* cannot use .* as a regressor"):
        make_predictor(name, checkpoint=path).fit(X, Y, seed=0)


def test_a_classifier_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tabicl")
    path = tabicl(tmp_path, max_classes=3)
    with pytest.raises(UserError, match="no checkpoint of a regressor known here"):
        make_predictor("tabicl", checkpoint=path).fit(X, Y, seed=0)


def test_a_checksum_says_which_file_is_meant(name: str, files: dict[str, Path]) -> None:
    right = hashlib.sha256(files[name].read_bytes()).hexdigest()
    spec = {"use": name, "checkpoint": str(files[name]), "estimators": 1}
    make_predictor(spec, sha256=right.upper()).fit(X, Y, seed=0)
    with pytest.raises(UserError, match=rf"has the SHA-256 {right}, and the option"):
        make_predictor(spec, sha256="0" * 64).fit(X, Y, seed=0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "options", [{"sha256": "abc"}, {"checkpoint": 3}, {"device": None}, {"rows": 0}]
)
def test_wrong_options_are_refused_before_any_fit(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"option '{next(iter(options))}'"):
        make_predictor(name, **options)


def test_a_large_pool_is_answered(name: str, files: dict[str, Path]) -> None:
    """More examples than TabPFN's version 2 admits on a CPU, and few."""
    pool = torch.tensor(RNG.random((3000, 5)))
    for n in (16, 1024):
        inputs = torch.tensor(RNG.random((n, 5)))
        model = make_predictor(name, checkpoint=files[name], estimators=1).fit(
            inputs, inputs.sum(-1, keepdim=True), seed=0
        )
        told = predict(model, pool)
        assert told.mean.shape == (3000,)
        assert np.isfinite(told.mean).all()
        assert (told.std > 0).all()
