"""Tests of the recipe: python -m unittest training.test_training"""

import random
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer

from . import check, dataset, describe, graph, parity_texts, tokenizer
from .export import write_json
from .languages import find
from .licences import by_spelling
from .model import Config, Model, Vocabulary
from .quant import from_graph, round_matrix, rounded

SMALL = Config(width=64, layers=2, heads=2, hidden=96, pointer_width=16)


def small_model(classes):
    """Returns a model whose every part matters, zero-initialised ones included."""
    torch.manual_seed(3)
    model = Model(SMALL, classes).eval()
    for p in model.parameters():
        if p.ndim == 2:
            torch.nn.init.normal_(p, std=0.15)
    return model


class ModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ranks = tokenizer.load_ranks()
        cls.model = small_model(tokenizer.word_classes(cls.ranks))

    def texts(self):
        encode = tokenizer.encoding(self.ranks).encode_ordinary
        return [encode(given + text)[:300] for _, given, text in parity_texts.cases()]

    def run_graph(self, contract, feed):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        made = graph.build(rounded(self.model), contract).SerializeToString()
        run = onnxruntime.InferenceSession(made, options)
        return run.run(None, check.alone(feed, run) if contract == "nll" else feed)[0]

    def test_graphs_agree_with_pytorch_and_sum_to_one(self):
        rows = self.texts()[:6]
        width = max(map(len, rows))
        ids, mask, targets = (np.full((len(rows), width), fill, np.int64) for fill in (0, 0, -1))
        for i, row in enumerate(rows):
            ids[i, : len(row)], mask[i, : len(row)], targets[i, : len(row) - 1] = row, 1, row[1:]
        want = np.concatenate([rounded(self.model).losses(row).numpy() for row in rows])
        got = self.run_graph("nll", {"input_ids": ids, "targets": targets})
        np.testing.assert_allclose(got, want, atol=2e-4)
        whole = self.run_graph("logits", {"input_ids": ids, "attention_mask": mask})
        np.testing.assert_allclose(np.exp(whole.astype(np.float64)).sum(-1), 1, atol=1e-5)
        at = np.argwhere(targets >= 0)
        np.testing.assert_allclose(-whole[at[:, 0], at[:, 1], targets[targets >= 0]], want, atol=2e-4)

    def test_queries_laid_out_together_score_as_if_alone(self):
        texts = self.texts()
        chunks, queries = [np.array(t, np.int16) for t in texts[:3]], texts[5:8]
        batch = dataset.collate([(c, list(enumerate(queries))) for c in chunks], 1.0, np.random.default_rng(0))
        table = self.model.table()
        with torch.no_grad():
            h = self.model.hidden(batch.ids, table, batch.layout)
            losses = self.model.nll(batch.ids, h, table, batch.wanted, batch.layout)
        for row, chunk in enumerate(chunks):
            for number, query in enumerate(queries):
                alone = self.model.losses(chunk.tolist() + query)
                here = losses[(batch.wanted[0] == row) & (batch.query == number)]
                torch.testing.assert_close(here, alone[len(chunk) - 1 :], atol=1e-4, rtol=1e-4)

    def test_gradient_of_the_vocabulary_step(self):
        torch.manual_seed(0)
        logits = torch.randn(5, 12, dtype=torch.float64, requires_grad=True)
        targets = torch.tensor([0, 3, 5, 3, 11])
        members = torch.tensor([[0, 1, -1], [3, 4, 2], [5, -1, -1], [3, 4, 2], [11, 9, -1]])
        weights = torch.randn(3, 5)
        parts = Vocabulary.apply(logits, targets, members)
        got = torch.autograd.grad(sum((w * p).sum() for w, p in zip(weights, parts, strict=True)), logits)[0]
        inside = logits.gather(1, members.clamp(min=0)).masked_fill(members < 0, float("-inf"))
        parts = logits.logsumexp(-1), inside.logsumexp(-1), logits.gather(1, targets[:, None])[:, 0]
        want = torch.autograd.grad(sum((w * p).sum() for w, p in zip(weights, parts, strict=True)), logits)[0]
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-4, check_dtype=False)

    def test_tokenizer_file_agrees_with_ranks(self):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "tokenizer.json")
            write_json(path, tokenizer.to_json(self.ranks), indent=None)
            tok = Tokenizer.from_file(str(path))
        for _, given, text in parity_texts.cases():
            with self.subTest(text[:20]):
                self.assertEqual(tok.encode(given + text).ids, tokenizer.plain_bpe(self.ranks, given + text))

    def test_an_exported_graph_gives_its_weights_back(self):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "model.onnx")
            path.write_bytes(graph.build(rounded(self.model), "nll").SerializeToString())
            again = from_graph(path, SMALL, self.model.classes.tolist())
            self.assertEqual(graph.build(again, "nll").SerializeToString(), path.read_bytes())

    def test_rounding_twice_changes_nothing(self):
        once = round_matrix(self.model.layers[0].up.weight)
        torch.testing.assert_close(round_matrix(once), once, atol=0, rtol=0)


class TextTest(unittest.TestCase):
    def test_descriptions_lose_name_tags_and_markup(self):
        for raw, name, want in (
            ("// Dial connects to the address on the named network.", "Dial", "connects to the address on the named network"),
            ("/**\n * Returns the {@code size} of this list.\n * @return n\n */", "size", "Returns the of this list"),
            ('"""Parse one header line.\n\n    Args:\n        x: y\n    """', "f", "Parse one header line"),
            ("/// Copyright 2020 The Authors of the thing", "f", ""),
            ("// short one", "f", ""),
        ):
            with self.subTest(raw):
                self.assertEqual(describe.plain(raw, name), want)

    def test_base_verb(self):
        for third, base in (("returns", "return"), ("Copies", "copy"), ("passes", "pass"), ("matches", "match"), ("is", "be")):
            self.assertEqual(describe.base_verb(third), base)

    def test_questions_keep_the_words_of_the_description(self):
        for seed in range(40):
            asked = describe.question("Returns the size of the buffer.", random.Random(seed), {"return"})
            self.assertIn("the size of the buffer", asked)

    def test_class_chunks_lose_the_comments_of_their_methods(self):
        code = "class A {\n  /** x\n  y */\n  int a; // kept\n  // gone\n}\n"
        self.assertEqual(dataset.without_comments(code), "class A {\n  int a; // kept\n}\n")

    def test_definitions_come_with_their_comments(self):
        for lang, source, name, doc in (
            ("go", b"// F does it.\nfunc F() {\n}\n", "F", "// F does it."),
            ("python", b'def f():\n    """Does it."""\n    return 1\n', "f", '"""Does it."""'),
            ("rust", b"/// Does it.\n#[inline]\nfn f() {\n}\n", "f", "/// Does it."),
            ("javascript", b"/** Does it. */\nA.prototype.f = function () {\n};\n", "f", "/** Does it. */"),
            ("cpp", b"// Does it.\ntemplate <class T> int A<T>::f(int x) {\n}\n", "f", "// Does it."),
        ):
            with self.subTest(lang):
                found = find(lang, source)[0]
                self.assertEqual((found.name, found.doc), (name, doc))
                self.assertNotIn("Does it", found.code)
                self.assertIn(found.raw.strip(), source.decode())

    def test_descriptions_go_back_where_they_stood(self):
        for lang, source, scope in (
            ("python", 'class A:\n    def f(self):\n        """Does\n        it."""\n        return 1\n', "A"),
            ("go", "// F does it.\nfunc (a *A[T]) F() {\n}\n", "A"),
            ("java", "class A {\n    /**\n     * Does it.\n     */\n    int f() {\n        return 1;\n    }\n}\n", "A"),
        ):
            with self.subTest(lang):
                found = find(lang, source.encode())[-1]
                self.assertIn(found.code[: found.at] + found.raw + found.code[found.at :], source)
                self.assertEqual(found.scope, scope)

    def test_a_group_asks_each_described_chunk_and_shows_half_the_descriptions(self):
        encode = tokenizer.encoding(tokenizer.load_ranks()).encode_ordinary
        items = []
        for n in range(40):
            code, doc = f"func f{n}() {{\n\treturn {n}\n}}", f"gives the number {n} back"
            item = dataset.Item(0, "go", "a.go", n, f"f{n}", code, doc, [])
            item.raw = f"// f{n} gives the number {n} back\n"
            items.append(item)
        dataset.add_tokens(items, encode)
        sampler, shown, rows = dataset.Sampler(items, encode, 1), 0, 0
        mark = encode(" gives")[0]
        for _ in range(60):
            for number, (chunk, queries) in enumerate(sampler.group(8)):
                self.assertIn(number, [n for n, _ in queries])
                shown += mark in chunk
                rows += 1
        self.assertAlmostEqual(shown / rows, 0.75 * 0.5, delta=0.08)

    def test_licence_spellings(self):
        for spelled, want in (("MIT OR Apache-2.0", "Apache-2.0"), ("GPL-2.0-only", "copyleft"), ("BSD-3-Clause", "BSD"),
                              ("LGPL-2.1 OR MIT", "MIT"), ("proprietary", None)):
            self.assertEqual(by_spelling(spelled), want)


if __name__ == "__main__":
    unittest.main()
