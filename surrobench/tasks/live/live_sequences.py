"""Live tasks whose data are sequences: encoders from scratch, and adaptations of a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.adaptations import Adaptations
from surrobench.spaces.architecture import Arch
from surrobench.spaces.transformers import Transformers
from surrobench.tasks.files.sources import cache_folder
from surrobench.tasks.live.live import LiveTask, Value
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.grammar import Grammar, motif_grammar
from surrobench.training.loop.devices import choose_device
from surrobench.training.loop.trainer import Recipe
from surrobench.training.networks.checkpoints import CheckpointNetwork, read_checkpoint
from surrobench.training.networks.encoders import EncoderNetwork
from surrobench.training.networks.low_rank import SCALE

SHORT = Grammar(motifs=3, positions=3, alternatives=1, gap=0, shortest=16, longest=16)
"""Six classes that even small encoders begin to tell apart within seconds of training."""
SEQUENCE_TASKS = ("live:transformer", "live:lora")
ENCODER_RECIPE = Recipe(
    epochs=3,
    batch_size=32,
    learning_rate=5e-3,
    weight_decay=0.01,
    optimiser="adamw",
    warm_up=0.1,
    clip=1.0,
)


def short_motifs(
    seed: int = 0, *, train: int = 1280, validation: int = 1000, test: int = 2000
) -> Data:
    """The default data: short synthetic sequences of :data:`SHORT`."""
    return motif_grammar(seed, train=train, validation=validation, test=test, grammar=SHORT)


def live_transformer(
    data: Data | None = None,
    *,
    space: Transformers | None = None,
    recipe: Recipe | None = None,
    value: Value = "cross-entropy",
    device: str = "auto",
    cache: Path | None = None,
) -> LiveTask:
    """Transformer encoders for sequences, by default synthetic ones: ``live:transformer``.

    Args:
        data: sequences, for example of
            :func:`~surrobench.training.datasets.fasta.read_sequences`; 1,280 short ones of
            :func:`~surrobench.training.datasets.grammar.motif_grammar` if omitted, which are no
            biology.
        space: other ranges than the usual ones.
        recipe: three epochs of AdamW with warm-up and clipping if omitted.
        value: what encoders are compared by, see :class:`~surrobench.tasks.live.live.LiveTask`;
            cross-entropy also tells those apart that are right about equally many sequences.
        device: as for :func:`~surrobench.training.loop.devices.choose_device`.
        cache: folder of finished trainings; in the user's cache folder if omitted.

    Raises:
        UserError: for data that are no sequences.
    """
    sequences, encoders = _sequences("live:transformer", data), space or Transformers()

    def build(arch: Arch) -> nn.Module:
        return EncoderNetwork(encoders.encoder(arch), classes=sequences.classes)

    return LiveTask(
        "live:transformer",
        encoders,
        build,
        {"sizes": [list(sizes) for sizes in encoders.sizes]},
        sequences,
        recipe or ENCODER_RECIPE,
        choose_device(device),
        cache or cache_folder() / "live",
        value=value,
    )


def live_lora(
    data: Data | None = None,
    *,
    checkpoint: str | Path | None = None,
    space: Adaptations | None = None,
    recipe: Recipe | None = None,
    value: Value = "cross-entropy",
    device: str = "auto",
    cache: Path | None = None,
) -> LiveTask:
    """Low-rank adaptations of an ESM-2 checkpoint on the user's disk: ``live:lora``.

    What is searched is the rank and which layers are adapted.

    Args:
        data: sequences; short synthetic ones if omitted.
        checkpoint: the folder, see
            :func:`~surrobench.training.networks.checkpoints.read_checkpoint`; nothing is
            downloaded.
        space: other ranks or layers than the usual ones.
        recipe: that of :func:`live_transformer` with a learning rate of 0.002 if omitted.
        value: as for :func:`live_transformer`.
        device: as for :func:`~surrobench.training.loop.devices.choose_device`.
        cache: folder of finished trainings; in the user's cache folder if omitted.

    Raises:
        UserError: for data that are no sequences, or a checkpoint that is missing or wrong.
    """
    if checkpoint is None:
        raise UserError(
            "live:lora adapts a model that you have: give the folder of an ESM-2 checkpoint, "
            "live_task('live:lora', checkpoint='esm2_t6_8M_UR50D')."
        )
    sequences, adaptations = _sequences("live:lora", data), space or Adaptations()
    model = read_checkpoint(checkpoint)

    def build(arch: Arch) -> nn.Module:
        adaptation = adaptations.adaptation(arch)
        return CheckpointNetwork(model, adaptation, classes=sequences.classes)

    return LiveTask(
        "live:lora",
        adaptations,
        build,
        {
            "ranks": list(adaptations.ranks),
            "targets": list(adaptations.targets),
            "scale": SCALE,
            "checkpoint": model.identity,
        },
        sequences,
        recipe or replace(ENCODER_RECIPE, learning_rate=2e-3),
        choose_device(device),
        cache or cache_folder() / "live",
        value=value,
    )


def _sequences(task: str, data: Data | None) -> Data:
    if data is None:
        return short_motifs()
    data.check_kind("sequences", task)
    return data
