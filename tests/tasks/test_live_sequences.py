"""Live tasks on sequences: encoders from scratch, and low-rank adaptations of a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from surrobench import search
from surrobench.errors import UserError
from surrobench.spaces.adaptations import Adaptations
from surrobench.spaces.transformers import Transformers
from surrobench.tasks.live.live import live_task
from surrobench.tasks.live.live_options import make_live
from surrobench.tasks.live.live_sequences import ENCODER_RECIPE, short_motifs
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.groups import Job
from surrobench.training.networks.low_rank import LowRankLinear

VOCABULARY = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <mask>"
SMALL = ("layers1-heads1-hidden16-ffn1", "layers1-heads2-hidden16-ffn2")
RECIPE = replace(ENCODER_RECIPE, epochs=2, batch_size=64)


@pytest.fixture(scope="module")
def data() -> Data:
    return short_motifs(train=256, validation=100, test=60)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("esm")
    config = transformers.EsmConfig(
        vocab_size=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, pad_token_id=1, mask_token_id=31, position_embedding_type="rotary",
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformers.EsmModel(config, add_pooling_layer=False).save_pretrained(folder)
    (folder / "vocab.txt").write_text(VOCABULARY.replace(" ", "\n"))
    return folder


def test_the_value_is_the_negated_cross_entropy(data: Data, tmp_path: Path) -> None:
    task = live_task("live:transformer", data, recipe=RECIPE, cache=tmp_path, device="cpu")
    archs = [task.space.parse(text) for text in SMALL]
    first, second = task.evaluate_many(archs)
    assert first.status == second.status == "ok"
    assert first.value == first.curve[-1] == -first.metrics["validation_cross_entropy"] < 0
    assert 0 <= first.metrics["validation_accuracy"] <= 100
    assert first.metrics["params"] < second.metrics["params"]
    assert first.metrics["flops"] < second.metrics["flops"]
    (run,) = task.training_runs([Job(archs[0])])
    assert first.curve == tuple(-value for value in run.validation_cross_entropy)
    assert len(run.train_mae) == len(run.validation_mae) == len(run.train_loss) == 2
    assert all(0 < error < 0.5 for error in (*run.train_mae, *run.validation_mae, run.test_mae))


def test_a_search_runs_on_encoders(data: Data, tmp_path: Path) -> None:
    space = Transformers(layers=[1], heads=[1, 2], hidden=[16, 32], ratios=[1])
    recipe = replace(RECIPE, epochs=1)
    task = live_task(
        "live:transformer", data, space=space, recipe=recipe, cache=tmp_path, device="cpu"
    )
    result = search(space, task.evaluate, strategy="regularised-evolution", budget=4, initial=2)
    assert result.best is not None
    assert max(row.value for row in result.rows) < 0


def test_the_default_settings() -> None:
    task = live_task("live:transformer", device="cpu")
    assert len(task.space) == 414
    assert [len(s) for s in (task.data.train, task.data.validation, task.data.test)] == [
        1280, 1000, 2000
    ]  # fmt: skip
    assert task.data.classes == 6
    assert task.recipe.optimiser == "adamw"
    assert task.cache is not None


def test_images_are_refused() -> None:
    with pytest.raises(UserError, match="live:transformer needs sequences, not images"):
        live_task("live:transformer", distorted_digits(train=8, validation=4, test=4))


@pytest.mark.parametrize("name", ["live:cells", "live:signals", "live:chain"])
def test_sequences_are_refused_by_tasks_of_images(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} needs images, not sequences"):
        live_task(name, short_motifs())


def test_a_study_names_the_users_sequences(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"s{i}" for i in range(30)]
    sequences = ["".join(rng.choice(list("ACDEFGHIK"), 8)) for _ in names]
    fasta = "".join(f">{n}\n{s}\n" for n, s in zip(names, sequences, strict=True))
    (tmp_path / "mine.fasta").write_text(fasta)
    labels = "".join(f"{name}\t{i % 2}\n" for i, name in enumerate(names))
    (tmp_path / "mine.tsv").write_text("id\tlabel\n" + labels)
    made = make_live("live:transformer", {"data": "mine.fasta", "validation": 5}, tmp_path)
    assert made.data == "sequences of mine.fasta"
    assert made.task.data.classes == 2
    assert len(made.task.data.validation) == 5
    with pytest.raises(UserError, match="side resizes images"):
        make_live("live:transformer", {"data": "mine.fasta", "side": 8}, tmp_path)


@pytest.mark.slow
def test_an_adaptation_trains_next_to_nothing_of_a_checkpoint(
    data: Data, checkpoint: Path, tmp_path: Path
) -> None:
    task = live_task("live:lora", data, checkpoint=checkpoint, cache=tmp_path, device="cpu",
                     recipe=RECIPE)  # fmt: skip
    arch = task.space.parse("rank2-query+value")
    network = task.build(arch)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    evaluation = task.evaluate(arch)
    assert evaluation.status == "ok"
    # Two layers with two adapted products of 16 x 16 each, and the classifier.
    assert evaluation.metrics["params"] == 2 * 2 * 2 * (16 + 16) + 16 * 6 + 6
    assert len(evaluation.curve) == 2
    assert evaluation.curve[1] > evaluation.curve[0] > -3
    trained = {name for name, p in network.named_parameters() if p.requires_grad}
    assert {name.rpartition(".")[2] for name in trained} == {"down", "up", "weight", "bias"}
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert task.evaluate(arch) == evaluation


def test_an_adapted_network_starts_as_the_checkpoint(data: Data, checkpoint: Path) -> None:
    task = live_task("live:lora", data, checkpoint=checkpoint, device="cpu")
    tokens = data.train.inputs[:4]
    hidden = []
    for text in ("rank2-query", "rank16-query+key+value+dense"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = task.build(task.space.parse(text)).eval()
        network.head = nn.Identity()
        hidden.append(network(tokens))
    torch.testing.assert_close(hidden[0], hidden[1])
    padded = nn.functional.pad(tokens, (0, 3))
    torch.testing.assert_close(network(padded), network(tokens), rtol=1e-4, atol=1e-5)


def test_a_low_rank_layer_can_be_merged() -> None:
    layer = LowRankLinear(nn.Linear(6, 4), rank=2)
    with torch.no_grad():
        layer.up.normal_()
    features = torch.randn(3, 6)
    torch.testing.assert_close(layer.merged()(features), layer(features))


@pytest.mark.slow
def test_wrong_checkpoints_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give the folder of an ESM-2 checkpoint"):
        live_task("live:lora")
    with pytest.raises(UserError, match=r"facebook/esm2 is not a folder .* no config\.json"):
        live_task("live:lora", checkpoint="facebook/esm2")
    for file in checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "vocab.txt").write_text(VOCABULARY.replace(" ", "\n").replace("W\n", ""))
    with pytest.raises(UserError, match=r"vocab\.txt has no line 'W'"):
        live_task("live:lora", checkpoint=tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match="the model is 'bert'; only 'esm' is known"):
        live_task("live:lora", checkpoint=tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"no model\.safetensors"):
        live_task("live:lora", checkpoint=tmp_path)


def test_a_layer_that_the_model_lacks_is_named(data: Data, checkpoint: Path) -> None:
    space = Adaptations(ranks=[2], targets=["query", "gate"])
    task = live_task("live:lora", data, checkpoint=checkpoint, space=space, device="cpu")
    with pytest.raises(UserError, match="no linear layers named 'gate' to adapt; it has dense"):
        task.build(space.parse("rank2-gate"))
