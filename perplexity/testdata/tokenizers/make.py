"""Writes the golden files beside it: small tokenizers of each family and what Hugging Face's library makes of some texts.

Run with Python and tokenizers 0.23: python make.py FILE... trains on the given source files.
"""

import json
import sys
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
TEXTS = [
    "", "a", " ", "\n", "func main() {\n\tfmt.Println(\"hi\")\n}\n", "x  =   1234567 + 0x1F;\r\n\r\n  // don't, WE'LL\n",
    "    if err != nil {\n        return err\n    }\n", "trailing   ", "caf\u00e9 cafe\u0301 \u212b \ufb01 \u1e9b\u0323",
    "\u6f22\u5b57\u304b\u306a \ud55c\uad6d\uc5b4 \U0001f642\U0001f469\u200d\U0001f469\u200d\U0001f467", "\u00bd\u00b2\u2167 \uff11\uff12 1\u0660",
    "a\u00a0b\u2003c\u3000d\u0085e\u2028f", "\x00\x01\x7f", "__init__(self, *args, **kwargs)", "-" * 60 + "\n" + "=" * 7,
    "'S 'Re 'LL 'm'd's't've it\u2019s 'q", "\t\t\n \n  \n\n   x", "#!/bin/sh\necho $((1+2))\n",
]


def family(name):
    split = {"llama3": CL100K, "qwen2": CL100K.replace("{1,3}", "")}.get(name)
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    if split:
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(split), "isolated"), bytes_only])
    with_regex = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if name == "starcoder":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), with_regex])
    return with_regex


def main():
    for name in ("gpt2", "llama3", "qwen2", "starcoder"):
        tok = Tokenizer(models.BPE())
        tok.pre_tokenizer = family(name)
        if name == "qwen2":
            tok.normalizer = normalizers.NFC()
        tok.train(sys.argv[1:], trainers.BpeTrainer(vocab_size=512, special_tokens=["<|begin|>"], show_progress=False,
                                                    initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        cases = [{"text": t, "ids": tok.encode(t).ids} for t in TEXTS]
        if name == "llama3":
            tok.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", 0)])
        out = {"tokenizer": json.loads(tok.to_str()), "cases": cases}
        Path(__file__).with_name(name + ".json").write_text(json.dumps(out, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
