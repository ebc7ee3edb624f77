"""The tokenizer of the embedded model: the first 8,191 ranks of cl100k_base and one special token.

Ranks of a byte-level BPE are its merge order, so every prefix of a rank file is
a vocabulary of its own. The ranks come from the Go module
github.com/pkoukk/tiktoken-go-loader, whose assets hold cl100k_base.tiktoken.
"""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

import regex
import tiktoken

LOADER = "github.com/pkoukk/tiktoken-go-loader@v0.0.2"
VOCAB = 8192
END = "<|endoftext|>"
END_ID = VOCAB - 1

# The split of cl100k_base, as tiktoken publishes it.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def load_ranks():
    """Returns {bytes: rank} for the first VOCAB-1 ranks of cl100k_base."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "go.mod").write_text("module scratch\n\ngo 1.24\n")
        out = subprocess.run(["go", "mod", "download", "-json", LOADER], cwd=scratch, check=True,
                             capture_output=True, text=True).stdout
    lines = (Path(json.loads(out)["Dir"]) / "assets" / "cl100k_base.tiktoken").read_bytes().splitlines()
    ranks = {}
    for line in lines[:END_ID]:
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    if sorted(ranks.values()) != list(range(END_ID)):
        raise ValueError("rank file is not a gapless list")
    return ranks


def encoding(ranks):
    """Returns a tiktoken encoding over ranks; text never encodes to the special token."""
    return tiktoken.Encoding(name="cl100k_8k", pat_str=SPLIT, mergeable_ranks=ranks, special_tokens={END: END_ID})


def byte_spelling():
    """Returns the GPT-2 table that spells each byte as one printable character."""
    keep = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    table = {b: chr(b) for b in keep}
    for n, b in enumerate(b for b in range(256) if b not in table):
        table[b] = chr(256 + n)
    return table


def merges_of(ranks):
    """Returns every pair of vocabulary tokens whose join is in the vocabulary, in the order BPE applies them.

    A token can be reached by more than one pair; listing all of them makes
    pair-based BPE (Hugging Face) agree with rank-based BPE (tiktoken) exactly.
    """
    merges = []
    for token in sorted(ranks, key=ranks.get):
        pairs = [(token[:i], token[i:]) for i in range(1, len(token)) if token[:i] in ranks and token[i:] in ranks]
        merges += sorted(pairs, key=lambda p: (ranks[p[0]], ranks[p[1]]))
    return merges


def to_json(ranks):
    """Returns tokenizer.json as a dict, in the Hugging Face layout for byte-level BPE."""
    table = byte_spelling()

    def spell(raw):
        return "".join(table[b] for b in raw)

    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": END_ID, "content": END, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True}],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {spell(t): r for t, r in sorted(ranks.items(), key=lambda kv: kv[1])},
                  "merges": [[spell(a), spell(b)] for a, b in merges_of(ranks)]},
    }


def plain_bpe(ranks, text):
    """Encodes text by the definition of rank-based BPE; slow, for checking the fast encoders."""
    ids = []
    for piece in regex.findall(SPLIT, text):
        parts = [bytes([b]) for b in piece.encode()]
        while len(parts) > 1:
            best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], END_ID))
            if parts[best] + parts[best + 1] not in ranks:
                break
            parts[best : best + 2] = [parts[best] + parts[best + 1]]
        ids += [ranks[p] for p in parts]
    return ids


# Each ending with the least number of letters that must stay before it.
SUFFIXES = (("ing", 4), ("ion", 4), ("ed", 4), ("er", 4), ("or", 4), ("es", 4), ("s", 3), ("e", 3))


def stem(word):
    """Cuts one common English ending, so that parse, parser, parsing and Parsed fall together."""
    for end, least in SUFFIXES:
        if word.endswith(end) and len(word) - len(end) >= least and not word.endswith("ss"):
            return word[: -len(end)]
    return word


def word_classes(ranks):
    """Returns the class of each token id: tokens that spell the same word share one.

    Case, a leading space, underscore or dot, and the ending of longer words do
    not count. The pointer head copies classes, so that ' server' in a question
    points at 'Server' in code.
    """
    names = {}
    classes = [0] * VOCAB
    for token, rank in ranks.items():
        text = token.decode("utf-8", errors="replace")
        word = text[1:] if len(text) > 1 and text[0] in " _.(/\"'$@-<" and text[1].isalpha() else text
        if word.isascii() and word.isalpha():
            word = word.lower()
            key = ("word", stem(word) if len(word) >= 4 else word)
        else:
            key = ("raw", token)
        classes[rank] = names.setdefault(key, len(names))
    classes[END_ID] = len(names)
    return classes
