"""Encoders compute what ESM-2 computes, do not see padding, and cost what a formula says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from surrobench.errors import UserError
from surrobench.spaces.transformers import Encoder, Transformers
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.grammar import Grammar, motif_grammar
from surrobench.training.datasets.sequences import PADDING
from surrobench.training.loop.groups import GroupTrainer, Job
from surrobench.training.loop.trainer import Recipe, initialised, train
from surrobench.training.networks.costs import count_flops, count_params
from surrobench.training.networks.encoders import EncoderNetwork, rotate, rotations
from surrobench.training.zero_cost.proxy import Batch, score

SPACE = Transformers()
SHORT = Grammar(3, 3, 1, 0, shortest=16, longest=16)
ADAMW = Recipe(
    epochs=2, batch_size=32, learning_rate=5e-3, optimiser="adamw", warm_up=0.1, clip=1.0
)


def network(encoder: Encoder, classes: int = 5) -> EncoderNetwork:
    return initialised(lambda: EncoderNetwork(encoder, classes=classes), 0).double().eval()


def some_tokens(n: int = 4, length: int = 10) -> Tensor:
    return torch.randint(1, 21, (n, length), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def data() -> Data:
    return motif_grammar(0, train=640, validation=200, test=200, grammar=SHORT)


@pytest.mark.slow
def test_equals_the_model_of_the_package_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    own = network(Encoder(layers=2, heads=4, hidden=32, ratio=2))
    config = transformers.EsmConfig(
        vocab_size=22, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, pad_token_id=PADDING, mask_token_id=21, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, position_embedding_type="rotary", token_dropout=False,
        layer_norm_eps=1e-5,
    )  # fmt: skip
    esm = transformers.EsmModel(config, add_pooling_layer=False).double().eval()
    esm.load_state_dict(as_esm(own), strict=False)
    tokens = some_tokens()
    tokens[1:, 7:] = PADDING
    present = tokens != PADDING
    expected = esm(input_ids=tokens, attention_mask=present.long()).last_hidden_state
    means = [row[some].mean(dim=0) for row, some in zip(expected, present, strict=True)]
    torch.testing.assert_close(own(tokens), own.head(torch.stack(means)), rtol=0, atol=1e-7)


def as_esm(own: EncoderNetwork) -> dict[str, Tensor]:
    """Weights under the names that the package transformers gives them."""
    state = {"embeddings.word_embeddings.weight": own.embedding.weight}
    named: dict[str, nn.Module] = {"encoder.emb_layer_norm_after": own.norm}
    for i, layer in enumerate(own.layers):
        at, feed = f"encoder.layer.{i}", layer.feed_forward
        named |= {
            f"{at}.attention.LayerNorm": layer.attention_norm,
            f"{at}.attention.output.dense": layer.attention.output,
            f"{at}.LayerNorm": feed[0],
            f"{at}.intermediate.dense": feed[1],
            f"{at}.output.dense": feed[3],
        }
        for kind in ("weight", "bias"):
            parts = getattr(layer.attention.projection, kind).chunk(3)
            for name, part in zip(("query", "key", "value"), parts, strict=True):
                state[f"{at}.attention.self.{name}.{kind}"] = part
    for name, module in named.items():
        state |= {f"{name}.{kind}": value for kind, value in module.state_dict().items()}
    return state


def test_padding_changes_nothing() -> None:
    own, tokens = network(Encoder(2, 2, 16, 1)), some_tokens()
    padded = nn.functional.pad(tokens, (0, 6), value=PADDING)
    torch.testing.assert_close(own(padded), own(tokens), rtol=0, atol=1e-12)
    mixed = torch.cat([padded, some_tokens(1, 16)])
    torch.testing.assert_close(own(mixed)[:4], own(tokens), rtol=0, atol=1e-12)


def test_the_order_of_residues_matters() -> None:
    own, tokens = network(Encoder(1, 1, 16, 1)), some_tokens()
    assert (own(tokens) - own(tokens.flip(1))).abs().max() > 1e-3


def test_rotary_products_depend_on_distances_alone() -> None:
    query, key = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64).expand(-1, -1, -1, 12, -1)
    rotation = rotations(12, 8, query)
    products = rotate(query, rotation)[0, 0] @ rotate(key, rotation)[0, 0].T
    for offset in (-3, 0, 5):
        diagonal = products.diagonal(offset)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    torch.testing.assert_close(rotate(query, rotation).norm(dim=-1), query.norm(dim=-1))


@pytest.mark.parametrize("encoder", [Encoder(1, 1, 16, 1), Encoder(3, 4, 32, 4)])
def test_parameters_and_flops_by_formula(encoder: Encoder) -> None:
    own, length, h = network(encoder), 12, encoder.hidden
    products = encoder.layers * (4 + 2 * encoder.ratio) * h * h
    extra = encoder.layers * (4 * h + (encoder.ratio + 1) * h + 4 * h)  # biases and norms
    assert count_params(own) == products + extra + 22 * h + 2 * h + 5 * h + 5
    attention = encoder.layers * 2 * length * length * h
    assert count_flops(own, (length,), torch.int64) == 2 * (length * products + attention + 5 * h)


def test_every_encoder_can_be_built() -> None:
    tokens = some_tokens(2, 6)
    for arch in SPACE.sample(40, np.random.default_rng(0)):
        scores = EncoderNetwork(SPACE.encoder(arch), classes=3)(tokens)
        assert scores.shape == (2, 3)
        assert torch.isfinite(scores).all()


def test_heads_of_odd_size_are_refused() -> None:
    with pytest.raises(UserError, match="18 does not divide into 2 heads of even size"):
        EncoderNetwork(Encoder(1, 2, 18, 1), classes=2)


@pytest.mark.slow
def test_learns_the_pairs_and_draws_its_curves(data: Data) -> None:
    def build() -> nn.Module:
        return EncoderNetwork(Encoder(1, 2, 32, 1), classes=6)

    (run,) = train(build, data, ADAMW, seeds=[0])
    assert run.status == "ok"
    assert run.validation_accuracy[-1] > 35  # of six classes
    assert run.validation_cross_entropy[-1] < run.validation_cross_entropy[0] < math.log(6) + 0.2
    # Guessing evenly has an error of 2 (1 - 1/6) / 6.
    assert run.validation_mae[-1] < run.validation_mae[0] < 10 / 36
    assert run.train_mae[-1] < run.train_mae[0]
    assert len(run.train_mae) == len(run.validation_mae) == len(run.train_loss) == 2
    assert abs(run.test_mae - run.validation_mae[-1]) < 0.05
    again = train(build, data, ADAMW, seeds=[0])[0]
    assert (again.train_loss, again.train_mae) == (run.train_loss, run.train_mae)


def test_groups_take_encoders_one_by_one(data: Data) -> None:
    archs = [
        SPACE.parse("layers1-heads1-hidden16-ffn1"),
        SPACE.parse("layers1-heads2-hidden16-ffn1"),
    ]
    recipe = Recipe(epochs=1, batch_size=64, learning_rate=5e-3, optimiser="adamw")
    trainer = GroupTrainer(
        lambda arch: EncoderNetwork(SPACE.encoder(arch), classes=6), data, recipe, group_size=8
    )
    runs = trainer.train([Job(arch) for arch in archs])
    assert [run.status for run in runs] == ["ok", "ok"]
    assert runs[0].train_loss != runs[1].train_loss


def test_sizes_are_zero_cost_proxies(data: Data) -> None:
    own = EncoderNetwork(Encoder(1, 1, 16, 1), classes=6)
    batch = Batch(data.train.inputs[:8], data.train.labels[:8])
    found = score(own, batch, ["params", "flops", "grad_norm"])
    assert found["params"] == count_params(own)
    assert found["flops"] == count_flops(own, (16,), torch.int64)
    assert found["grad_norm"] > 0


IMAGES_ONLY = ("jacov", "epe_nas", "synflow", "zen")
DEFINED = (
    *(
        "params",
        "flops",
        "l2_norm",
        "grad_norm",
        "snip",
        "fisher",
        "layers",
        "zico",
        "swap",
        "expressivity",
        "progressivity",
        "trainability",
    ),
    *("vkdnw", "vkdnw_single", "intrain"),
)


def test_proxies_of_sequences_are_numbers_where_they_are_defined(data: Data) -> None:
    own = initialised(lambda: EncoderNetwork(Encoder(2, 2, 16, 1), classes=6), 0)
    batch = Batch(data.train.inputs[:8], data.train.labels[:8])
    found = score(own, batch, [*DEFINED, *IMAGES_ONLY])
    assert [name for name, v in found.items() if not math.isfinite(v)] == list(IMAGES_ONLY)
    assert found["layers"] == 2 * 4 + 1  # attention in and out, feed-forward up and down; output
