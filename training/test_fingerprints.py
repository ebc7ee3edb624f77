"""Tests of the fingerprints: python -m unittest training.test_fingerprints"""

import json
import unittest

from .fingerprints import Filter, marks
from .paths import REPO

SHARED = json.loads((REPO / "bench" / "testdata" / "fingerprints.json").read_text(encoding="utf-8"))


class FingerprintsTest(unittest.TestCase):
    def test_runs_are_those_that_the_benchmark_looks_for(self):
        self.assertEqual([m.hex() for m in marks(SHARED["text"])], SHARED["marks"])

    def test_layout_and_comments_change_nothing(self):
        text = "".join(f"    // {i}\n\n{line}   \n" for i, line in enumerate(SHARED["text"].split("\n")))
        self.assertEqual([m.hex() for m in marks(text)], SHARED["marks"])

    def test_filter_holds_its_members_and_hardly_a_stranger(self):
        members, strangers = Filter(), marks(SHARED["text"].replace("total", "sum"))
        for m in marks(SHARED["text"]):
            members.add(m)
        self.assertTrue(all(m in members for m in marks(SHARED["text"])))
        self.assertTrue(strangers)
        self.assertFalse(any(m in members for m in strangers))


if __name__ == "__main__":
    unittest.main()
