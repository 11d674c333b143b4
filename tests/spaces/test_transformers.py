"""The encoders of the transformer space and the constraint on their heads."""

from __future__ import annotations

import pytest

from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.spaces.transformers import Transformers

SPACE = Transformers()


def test_every_head_is_even_and_large_enough_and_nothing_else_is_left_out() -> None:
    encoders = [SPACE.encoder(arch) for arch in SPACE]
    assert all(e.hidden % (2 * e.heads) == 0 and e.hidden // e.heads >= 4 for e in encoders)
    # Of 6 x 4 x 6 x 3 combinations only 8 heads of size 2 are missing.
    assert len(set(encoders)) == 432 - 6 * 3
    assert not [e for e in encoders if (e.hidden, e.heads) == (16, 8)]
    assert len(Transformers(smallest_head=2)) == 432


def test_heads_of_odd_size_are_left_out() -> None:
    space = Transformers(layers=[1], heads=[1, 2, 3], hidden=[12, 18], ratios=[4])
    assert [(e.hidden, e.heads) for e in map(space.encoder, space)] == [
        (12, 1), (18, 1), (12, 2), (12, 3), (18, 3)
    ]  # fmt: skip


def test_ranges_are_the_users() -> None:
    esm2_8m = Transformers(range(1, 13), (4, 8, 16, 20), (320, 480), (2, 4))
    arch = esm2_8m.parse("layers6-heads20-hidden320-ffn4")
    assert esm2_8m.encoder(arch) == (6, 20, 320, 4)
    assert esm2_8m.to_string(arch) == "layers6-heads20-hidden320-ffn4"


def test_one_change_away() -> None:
    near = map(SPACE.to_string, SPACE.neighbours(SPACE.parse("layers1-heads8-hidden32-ffn1")))
    assert "layers1-heads8-hidden16-ffn1" not in near
    assert len(SPACE.neighbours(SPACE.parse("layers1-heads8-hidden32-ffn1"))) == 5 + 3 + 4 + 2


def test_encodings_by_hand() -> None:
    archs = [
        SPACE.parse("layers1-heads1-hidden16-ffn1"),
        SPACE.parse("layers6-heads4-hidden64-ffn2"),
    ]
    one_hot, ordinal = make_encoding("one-hot"), make_encoding("ordinal")
    assert one_hot(archs, SPACE, {}).shape == (2, 6 + 4 + 6 + 3)
    assert ordinal.columns(SPACE, {}) == ["layers", "heads", "hidden", "ffn ratio"]
    assert ordinal(archs, SPACE, {}).tolist()[0] == [0, 0, 0, 0]
    assert ordinal(archs, SPACE, {}).tolist()[1] == pytest.approx([1, 2 / 3, 2 / 3, 1 / 2])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("layers7-heads1-hidden16-ffn1", "7 is not a choice of 'layers'; valid: 1, 2, 3, 4, 5, 6"),
        ("layers1-heads8-hidden16-ffn1", "is not an architecture of the space 'transformer'"),
        ("4,2,64,2", "'4,2,64,2': write an encoder as 'layers4-heads2-hidden64-ffn2'"),
    ],
)
def test_wrong_texts_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(UserError) as error:
        SPACE.parse(text)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"layers": []}, r"layers is \(\)"),
        ({"hidden": [32, 16]}, r"hidden is \(32, 16\); .* ascending"),
        ({"ratios": [0, 1]}, "ratios is"),
        ({"heads": [8], "hidden": [16]}, "no hidden size of 16 divides"),
    ],
)
def test_wrong_ranges_are_refused(options: dict[str, list[int]], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        Transformers(**options)
