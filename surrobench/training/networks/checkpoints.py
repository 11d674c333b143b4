"""A pretrained protein language model from the user's disk, as the beginning of a classifier."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from surrobench.errors import UserError
from surrobench.spaces.adaptations import Adaptation
from surrobench.training.datasets.sequences import PADDING, RESIDUES
from surrobench.training.networks.encoders import mean_over
from surrobench.training.networks.low_rank import adapt

WEIGHTS = "model.safetensors"
VOCABULARY_FILE = "vocab.txt"
_SPECIAL = ("<pad>", "<cls>", "<eos>")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """An ESM-2 model that was read from disk.

    Attributes:
        model: without a head.
        ids: the number in its vocabulary of each token of
            :mod:`~surrobench.training.datasets.sequences`.
        start: its number of the token before a sequence.
        end: its number of the token behind a sequence.
        identity: what decides its numbers, as plain values.
    """

    model: nn.Module
    ids: tuple[int, ...]
    start: int
    end: int
    identity: dict[str, str]


class CheckpointNetwork(nn.Module):
    """A copy of a pretrained model, adapted, with the mean over the residues and a classifier.

    The adaptation and the classifier are trained. New weights are drawn from torch's global
    generator.

    Args:
        checkpoint: the model; it is left as it is.
        adaptation: rank and layers.
        classes: outputs of the classifier.

    Raises:
        UserError: for a layer that the model does not have.
    """

    ids: Tensor

    def __init__(self, checkpoint: Checkpoint, adaptation: Adaptation, *, classes: int) -> None:
        super().__init__()
        self.model = deepcopy(checkpoint.model)
        adapt(self.model, adaptation)
        self.start, self.end = checkpoint.start, checkpoint.end
        self.register_buffer("ids", torch.tensor(checkpoint.ids))
        config: Any = self.model.config
        self.head = nn.Linear(config.hidden_size, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """``n x length`` tokens, padded behind, to ``n x classes`` scores."""
        present = tokens != PADDING
        ends = present.sum(dim=1, keepdim=True) + 1
        padded = nn.functional.pad(self.ids[tokens], (1, 1), value=int(self.ids[PADDING]))
        padded[:, 0] = self.start
        padded.scatter_(1, ends, self.end)
        read = torch.arange(padded.shape[1], device=tokens.device) <= ends
        hidden = self.model(input_ids=padded, attention_mask=read.long()).last_hidden_state
        scores: Tensor = self.head(mean_over(hidden[:, 1:-1], present))
        return scores


def read_checkpoint(folder: str | Path) -> Checkpoint:
    """An ESM-2 model that ``save_pretrained`` of the package transformers wrote.

    Nothing is downloaded, unpickled or executed. Dropout is switched off, so that a seed decides
    everything.

    Args:
        folder: with ``config.json``, ``model.safetensors`` and ``vocab.txt``.

    Raises:
        UserError: if the package transformers is missing, or naming the file that is missing or
            wrong.
    """
    folder = Path(folder)
    for name in ("config.json", WEIGHTS, VOCABULARY_FILE):
        if not (folder / name).is_file():
            raise UserError(f"{folder} is not a folder with a checkpoint: it has no {name}.")
    kind = _model_kind(folder / "config.json")
    if kind != "esm":
        raise UserError(f"{folder / 'config.json'}: the model is {kind!r}; only 'esm' is known.")
    ids, start, end = _read_vocabulary(folder / VOCABULARY_FILE)
    identity = {
        "weights": hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest(),
        "config": hashlib.sha256((folder / "config.json").read_bytes()).hexdigest(),
        "vocabulary": hashlib.sha256((folder / VOCABULARY_FILE).read_bytes()).hexdigest(),
    }
    model = _read_model(folder)
    return Checkpoint(model, ids, start, end, {**identity, "transformers": version("transformers")})


def _read_model(folder: Path) -> nn.Module:
    try:
        transformers = import_module("transformers")
    except ImportError as error:
        raise UserError(
            "checkpoints need the package transformers: pip install 'surrobench[transformers]'."
        ) from error
    try:
        model: nn.Module = transformers.EsmModel.from_pretrained(
            str(folder),
            add_pooling_layer=False,
            local_files_only=True,
            use_safetensors=True,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    except Exception as error:  # whatever is wrong in files that others wrote
        raise UserError(f"{folder} cannot be read as a checkpoint of ESM-2: {error}") from error
    return model.float()


def _model_kind(file: Path) -> str:
    try:
        return str(json.loads(file.read_bytes())["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is not the configuration of a model.") from error


def _read_vocabulary(file: Path) -> tuple[tuple[int, ...], int, int]:
    """The numbers of our tokens, of the start and of the end: the lines of a file, from 0."""
    try:
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {error}.") from error
    number = {token: line for line, token in enumerate(lines)}
    if missing := [token for token in (*_SPECIAL, *RESIDUES, "X") if token not in number]:
        raise UserError(f"{file} has no line {missing[0]!r}; expected the vocabulary of ESM-2.")
    padding, start, end = (number[token] for token in _SPECIAL)
    return (padding, *(number[residue] for residue in RESIDUES), number["X"]), start, end
