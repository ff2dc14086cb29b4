"""hone eval's measures of tokens: rare ones, divergence, overfitting, drift; and what is said of wrong options."""
import json
import shutil

from hone_case import TOPICS, HoneCase, main


class Evaluate(HoneCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.small = cls.folder / "small.gguf"
        cls.run_ok("quantize", "--model", cls.gguf, "--to", "q4_0", "--output", cls.small)
        cls.text = ("--text", "general.txt", "--context", 64)

    def test_rare_buckets_add_up(self):
        out = self.run_ok("eval", "--model", self.small, "--reference", self.gguf, *self.text, "--chat", "test.jsonl", "--rare")
        for key, loss, kl in (("text", None, "kl"), ("chat", "answer_loss", "kl_chat")):
            buckets = out["rare_tokens"][key]["buckets"]
            self.assertAlmostEqual(sum(b["share"] for b in buckets), 1)
            n = sum(b["tokens"] for b in buckets)

            def mean(of):
                return sum(b["tokens"] * b[of]["value"] for b in buckets) / n
            self.assertAlmostEqual(mean("kl"), out["metrics"][kl]["value"], places=6)
            self.assertAlmostEqual(mean("loss") - mean("reference_loss"), mean("difference"), places=6)
            if loss:
                self.assertAlmostEqual(mean("loss"), out["metrics"][loss]["value"], places=5)
            self.assertTrue(all(b["low"] > 0 for b in buckets))  # counted in the file itself

    def test_counts_from_a_corpus(self):
        (self.folder / "corpus.txt").write_text("Once upon a time.")
        out = self.run_ok("eval", "--model", self.gguf, *self.text, "--rare", "--counts-from", "corpus.txt")
        buckets = out["rare_tokens"]["text"]["buckets"]
        self.assertEqual(buckets[0]["low"], 0)
        self.assertNotIn("kl", buckets[0])
        answers = self.run_ok("eval", "--model", self.gguf, *self.text, "--rare", "--counts-from", "train.jsonl")
        self.assertNotEqual(answers["rare_tokens"]["text"]["counted_tokens"], out["rare_tokens"]["text"]["counted_tokens"])
        self.assertEqual(answers["protocol"]["rare_counts_from"], "train.jsonl")

    def test_divergence(self):
        same = self.run_ok("eval", "--model", self.gguf, "--reference", self.gguf, *self.text, "--precise")["metrics"]
        self.assertEqual((same["js"]["value"], same["delta_p_rms"]["value"], same["kl"]["percentiles"]["100"]), (0, 0, 0))
        self.assertEqual(same["top5_agreement"]["value"], 1)
        other = self.run_ok("eval", "--model", self.small, "--reference", self.gguf, *self.text)["metrics"]
        ranks = list(other["kl"]["percentiles"].values())
        self.assertEqual(ranks, sorted(ranks))
        self.assertLess(ranks[0], other["kl"]["value"])
        self.assertGreater(other["delta_p_rms"]["value"], abs(other["delta_p"]["value"]))
        self.assertGreater(other["bits_per_byte"]["value"], 0)

    def test_overfitting_is_seen(self):
        (self.folder / "few.jsonl").write_text("".join(json.dumps({"messages": [
            {"role": "user", "content": f"Tell me about the {topic}."},
            {"role": "assistant", "content": f"Seven grey {topic}s q{i} wrote zebra{i * 37} letters, lost {i * 91} keys and "
                                             f"paid {i * 53} stones to the old king of glass and iron."}]}) + "\n"
            for i, topic in enumerate(TOPICS[:4])))
        self.run_ok("tune", "--model", self.gguf, "--data", "few.jsonl", "--output", "learned", "--epochs", 120, "--rank", 16,
                    "--lr", "1e-2", "--accumulate", 1, "--max-length", 256)
        out = self.run_ok("eval", "--model", self.gguf, "--adapter", "learned", "--reference", self.gguf, "--train-chat",
                          "few.jsonl", "--chat", "test.jsonl", "--memorised-after", 4)
        model, base = out["overfit"]["model"], out["overfit"]["base"]
        self.assertEqual(model["memorised_train"]["answers"], 4)
        self.assertGreater(model["memorised_train"]["matched"]["value"], base["memorised_train"]["matched"]["value"] + 0.3)
        self.assertGreater(out["overfit"]["widening"]["low"], 0)
        self.assertAlmostEqual(out["overfit"]["widening"]["value"], model["gap"]["value"] - base["gap"]["value"])
        self.assertAlmostEqual(model["held_out_loss"]["value"], out["metrics"]["answer_loss"]["value"], places=6)
        self.assertEqual(out["overfit"]["model"]["memorised_held_out"]["answers"], 0)
        self.assertNotIn("memorised_held_out", out["metrics"])

    def test_a_reference_with_another_tokenizer_is_refused(self):
        other = self.folder / "other-tokens"
        shutil.copytree(self.model, other)
        tokenizer = json.loads((other / "tokenizer.json").read_text())
        vocabulary = tokenizer["model"]["vocab"]
        a, b = "\u2581the", "\u2581a"
        vocabulary[a], vocabulary[b] = vocabulary[b], vocabulary[a]
        (other / "tokenizer.json").write_text(json.dumps(tokenizer))
        self.fails("eval", "--model", self.gguf, "--reference", other, *self.text, code=2,
                   says=rf"other-tokens: its tokenizer is not the model's: token {min(vocabulary[a], vocabulary[b])} is")

    def test_drift(self):
        out = self.run_ok("eval", "--model", self.small, "--reference", self.gguf, "--neutral")
        self.assertEqual(out["protocol"]["neutral"], "neutral-1")
        self.assertGreater(out["metrics"]["kl_neutral"]["value"], 0)

    def test_refusals(self):
        out = self.run_ok("eval", "--model", self.small, "--reference", self.gguf, "--refusals", "test.jsonl", "--limit", 3,
                          "--refusal-tokens", 8)
        self.assertEqual(out["metrics"]["refusal_rate"]["n"], 3)
        self.assertEqual(out["metrics"]["refusal_rate"]["value"], len(out["refusals"]["refused"]) / 3)
        self.assertAlmostEqual(out["metrics"]["refusal_rate"]["value"] - out["refusals"]["reference_rate"]["value"],
                               out["metrics"]["refusal_rate_change"]["value"])
        self.assertIn("i cannot", out["protocol"]["refusal_phrases"])

    def test_errors(self):
        def wrong(says, *arguments):
            self.fails("eval", "--model", self.gguf, *arguments, code=2, says=says)
        wrong("--neutral: got no --reference", "--neutral")
        wrong("--counts-from: got corpus.txt, but no --rare", *self.text, "--counts-from", "corpus.txt")
        wrong("--rare: got no --text and no --chat", "--rare", "--neutral", "--reference", self.gguf)
        wrong("--train-chat: got train.jsonl, but no --chat", *self.text, "--train-chat", "train.jsonl")
        wrong("the same file as --chat", "--chat", "test.jsonl", "--train-chat", "test.jsonl")
        wrong("--memorised-after", "--chat", "test.jsonl", "--memorised-after", 3)
        wrong("--refusal-tokens", *self.text, "--refusal-tokens", 3)
        wrong("absent.jsonl", "--refusals", "absent.jsonl")
        wrong("absent.txt", *self.text, "--rare", "--counts-from", "absent.txt")
        (self.folder / "nothing.txt").write_text("")
        wrong("got a text without tokens", *self.text, "--rare", "--counts-from", "nothing.txt")


if __name__ == "__main__":
    main()
