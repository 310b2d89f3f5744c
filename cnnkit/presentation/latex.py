"""Text as LaTeX, whatever it holds."""

from __future__ import annotations

from typing import Final

from cnnkit.presentation.numbers import printable

_ESCAPES: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "'": r"\textquotesingle{}",
        "`": r"\textasciigrave{}",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "→": r"$\to$",
        "−": r"$-$",
        "†": r"\dag{}",
        "Σ": r"$\Sigma$",
        "⋯": r"$\cdots$",
        "…": r"\ldots{}",
        "–": "--",
        "—": "---",
    }
)


def latex(text: str) -> str:
    r"""The text with what LaTeX would take for a command escaped.

    >>> latex("stage_1 & 50 %")
    'stage\\_1 \\& 50 \\%'
    """
    return printable(text).translate(_ESCAPES)


def commented(text: str) -> str:
    """The text as a comment of one line."""
    return f"% {printable(text)}"
