"""What an output cannot hold is replaced, and nothing computed hangs on it."""

from __future__ import annotations

import io
import sys

import pytest

from surrobench.cli.console import complain, output, print_anything, say, tell


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("cp1252", "Kendall tau ± 0.1 ~ ?"), ("ascii", "Kendall tau +- 0.1 ~ ?")],
)
def test_characters_that_the_output_cannot_hold_are_replaced(
    encoding: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    print_anything()
    output.print("Kendall τ ± 0.1 ≈ 語", soft_wrap=True)
    sys.stdout.flush()
    assert raw.getvalue().decode(encoding).strip() == expected


def test_half_a_surrogate_pair_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8"))
    print_anything()
    print("file \udcff τ")
    sys.stdout.flush()
    assert raw.getvalue().decode().strip() == "file ? τ"


def test_what_a_user_named_is_printed_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Rich would draw a picture for ``:x:``, which stands in ``mine:x:y`` or a line of a file."""
    text = "root:x:0 [red] :smile:"
    for show in (complain, tell, say):
        show(text)
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count(text) == 3
