#!/usr/bin/env python3
"""Adapters from outside: containers, scales, several at once, and what is refused.

adapters_test.py HONE SOURCE_FOLDER. Uses Python's standard library and the tiny stories260K model only."""
from hone_case import HoneCase, main


class Adapters(HoneCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tune = ("tune", "--model", cls.gguf, "--data", "train.jsonl", "--accumulate", 1, "--max-length", 128, "--lr", "1e-2")
        cls.run_ok(*tune, "--steps", 12, "--rank", 4, "--output", "first")
        cls.run_ok(*tune, "--steps", 4, "--rank", 2, "--targets", "q_proj,down_proj", "--rslora", "--output", "second")

    def loss(self, model, *adapters):
        options = [part for adapter in adapters for part in ("--adapter", adapter)]
        result = self.run_ok("eval", "--model", model, "--chat", "test.jsonl", "--precise", *options)
        self.assertEqual(len(result.get("adapters", [])), len(adapters))
        return result["metrics"]["answer_loss"]["value"]

    def test_containers_and_scales(self):
        base, first, second = self.loss(self.gguf), self.loss(self.gguf, "first"), self.loss(self.gguf, "second")
        self.assertLess(first, base - 0.3)
        self.assertLess(second, base - 0.02)
        self.assertEqual(self.loss(self.gguf, "first/adapter.gguf"), first)
        self.assertEqual(self.loss(self.gguf, "first/peft:1"), first)
        self.assertAlmostEqual(self.loss(self.gguf, "second/adapter.gguf"), second, delta=1e-5)
        self.assertEqual(self.loss(self.gguf, "first:0", "second/adapter.gguf:0"), base)
        self.assertAlmostEqual(self.loss(self.gguf, "first:0.5", "first/adapter.gguf:0.5"), first, delta=1e-4)
        half = self.loss(self.gguf, "first:0.5")
        self.assertGreater(abs(half - first), 0.02)
        self.assertGreater(abs(half - base), 0.02)

    def test_several_are_merged_as_they_compute(self):
        both = self.loss(self.gguf, "first:0.7", "second/adapter.gguf")
        self.run_ok("merge", "--model", self.gguf, "--adapter", "first:0.7", "--adapter", "second/adapter.gguf", "--format",
                    "f32", "--output", "both.gguf")
        self.assertAlmostEqual(self.loss("both.gguf"), both, delta=1e-4)

    def test_tuning_goes_on_from_either_container(self):
        def curve(adapter, output):
            return self.run_ok("tune", "--model", self.gguf, "--data", "train.jsonl", "--init-adapter", adapter, "--steps", 2,
                               "--accumulate", 1, "--max-length", 128, "--output", output)["train_loss"]

        self.assertEqual(curve("first/peft", "on1"), curve("first/adapter.gguf", "on2"))

    def test_generate_takes_scales(self):
        def text(*adapters):
            return self.run_ok("generate", "--model", self.gguf, "--prompt", "Tell me about the cat number 1.",
                               "--temperature", 0, "--max-tokens", 12, *adapters)["text"]

        self.assertEqual(text("--adapter", "first:0"), text())
        self.assertNotEqual(text("--adapter", "first"), text())

    def test_refused(self):
        evaluate = ("eval", "--model", self.gguf, "--chat", "test.jsonl", "--adapter")
        self.fails(*evaluate, "first:half", code=2, says="--adapter: first:half: .*'half' is no scale; expected PATH")
        self.fails(*evaluate, "absent", code=2, says="absent: no such adapter")
        self.fails(*evaluate, self.folder, code=2, says="no adapter_config.json")
        self.fails(*evaluate, self.gguf, code=2, says="general.type: got .*expected 'adapter'")
        self.run_ok("quantize", "--model", self.gguf, "--to", "q4_0", "--output", "other.gguf")
        other = ("generate", "--model", "other.gguf", "--prompt", "x", "--max-tokens", 1, "--adapter", "first")
        self.fails(*other, code=2, says="first: base: the adapter was trained on weights .* or --ignore-base")
        self.run_ok(*other, "--ignore-base")


if __name__ == "__main__":
    main()
