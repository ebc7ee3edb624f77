"""Trains vectors of words on running text: words that stand among the same words lie close.

    python -m training.neighbours --text DATA/text.txt --out DATA/neighbours.npz

Skip-gram with negative sampling (Mikolov et al., 2013) by gensim. training.words starts from these vectors:
what pairs of questions and functions are too few to teach, such as that "twice" is near "duplicate", comes
from here.
"""

import argparse
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec

WIDTH = 128


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    model = Word2Vec(corpus_file=str(args.text), vector_size=WIDTH, window=10, min_count=40, max_final_vocab=60_000, sg=1,
                     negative=8, sample=3e-5, workers=2, epochs=args.epochs, seed=1)
    words = model.wv.index_to_key
    np.savez(args.out, words=np.array(words), vectors=model.wv.vectors, outputs=model.syn1neg,
             counts=np.array([model.wv.get_vecattr(w, "count") for w in words]))
    print(f"{len(words)} words")
    for word in ("retry", "twice", "hang", "crash", "remove", "slow", "leak", "lost", "reconnect", "forget", "shutdown", "accident"):
        if word in model.wv:
            print(word, *(w for w, _ in model.wv.most_similar(word, topn=10)))


if __name__ == "__main__":
    main()
