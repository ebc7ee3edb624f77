"""Where things are: the committed inputs, the embedded model, the data folder."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent
SOURCES = HERE / "sources.json"
MANIFEST = HERE / "corpus_manifest.json"
MODEL_DIR = REPO / "perplexity" / "model"
TESTDATA = REPO / "perplexity" / "testdata"


def data_dir(given=None):
    """Returns the data folder: the one given, PITH_TRAINING_DATA, or training/data (git-ignored)."""
    path = Path(given or os.environ.get("PITH_TRAINING_DATA") or HERE / "data")
    path.mkdir(parents=True, exist_ok=True)
    return path
