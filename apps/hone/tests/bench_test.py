#!/usr/bin/env python3
"""hone bench on the tiny model: what it tells about each round, its pictures, peers, and its bad inputs. Speeds themselves
are not judged.   bench_test.py HONE SOURCE_FOLDER"""
import os
import subprocess
import xml.etree.ElementTree

from hone_case import HONE, HoneCase, main

SMALL = ("--prompt", 16, "--generate", 4, "--train-rows", 1, "--train-length", 32, "--context", 64, "--repeats", 2)
LLAMA_BENCH = """#!/bin/sh
echo "$@" > bench-arguments
echo '[{"n_prompt": 16, "n_gen": 0, "avg_ts": 8.0}, {"n_prompt": 0, "n_gen": 4, "avg_ts": 2.0}]'
"""
LLAMA_PERPLEXITY = """#!/bin/sh
echo "$@" > perplexity-arguments
echo "perplexity: calculating perplexity over 10 chunks, n_ctx=64, batch_size=2048, n_seq=4" >&2
sleep 0.2
echo "Final estimate: PPL = 3.0 +/- 0.1" >&2
"""


def median(values):
    return sorted(values)[len(values) // 2]


class Bench(HoneCase):
    def program(self, folder, name, text):
        path = self.folder / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def picture(self, name):
        root = xml.etree.ElementTree.parse(self.folder / name).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        return " ".join(text for text in root.itertext())

    def test_every_work_and_peer(self):
        bench = self.program("peers", "llama-bench", LLAMA_BENCH)
        perplexity = self.program("peers", "llama-perplexity", LLAMA_PERPLEXITY)
        result = self.run_ok("bench", "--model", self.gguf, "--only", "prefill,decode,train,perplexity", *SMALL, "--text",
                             "general.txt", "--peer", f"one={bench}", "--peer", f"two={perplexity}", "--peer",
                             "three=echo '{\"tok_s\": 5}'", "--plot", "ratios.svg", "--roofline", "roof.svg",
                             "--threads-sweep", "1,2")
        machine = result["machine"]
        self.assertGreater(machine["f32_gflops"], 0)
        self.assertGreater(machine["read_gb_s"], 0)
        self.assertIn(machine["energy"], ("told", "not told by this machine"))
        works = {work["name"]: work for work in result["results"]}
        self.assertEqual(list(works), ["prefill", "decode", "train", "perplexity"])
        expected = {"prefill": ("one", 8.0), "decode": ("one", 2.0), "train": ("three", 5.0), "perplexity": ("two", None)}
        for name, work in works.items():
            rounds = work["rounds_tok_s"]
            self.assertEqual(len(rounds), 2)
            self.assertEqual(work["tok_s"], median(rounds))
            self.assertEqual((work["least_tok_s"], work["most_tok_s"]), (min(rounds), max(rounds)))
            self.assertAlmostEqual(work["limit_share"], work["tok_s"] / work["limit_tok_s"])
            self.assertEqual(work["joules_per_token"] is not None, machine["energy"] == "told")
            peer, = work["peers"]
            peer_name, rate = expected[name]
            self.assertEqual(peer["name"], peer_name)
            if rate:
                self.assertEqual(peer["rounds_tok_s"], [rate, rate])
            ratios = [own / other for own, other in zip(rounds, peer["rounds_tok_s"])]
            self.assertAlmostEqual(peer["ratio"], median(ratios))
            self.assertAlmostEqual(peer["least_ratio"], min(ratios))
        self.assertTrue(all(0 < rate <= 640 / 0.2 for rate in works["perplexity"]["peers"][0]["rounds_tok_s"]))
        self.assertIn(f"-m {self.gguf} -t 1 -f general.txt -c 64",
                      (self.folder / "perplexity-arguments").read_text().replace("'", ""))
        self.assertIn("of 5 blocks recomputed", works["train"]["note"])
        for scaling in result["scaling"]:
            self.assertEqual([point["threads"] for point in scaling["points"]], [1, 2])
            self.assertEqual(scaling["points"][0]["ratio"], 1)
        # One row and a prompt of every shape: q and o, k and v, gate and up, down, and the head.
        self.assertEqual(len(result["shapes"]), 2 * 5)
        ratios, roof = self.picture("ratios.svg"), self.picture("roof.svg")
        for text in ("prefill", "perplexity", "one", "two", "three"):
            self.assertIn(text, ratios)
        for text in ("prefill", "ffn_down", "16 rows", "reading", "f32"):
            self.assertIn(text, roof)

    def test_decoding_behind_other_tokens(self):
        bench = self.program("peers", "llama-bench", LLAMA_BENCH)
        decode = ("bench", "--model", self.gguf, "--only", "decode", *SMALL, "--peer", f"one={bench}")
        costs = []
        for depth in (0, 40):
            work, = self.run_ok(*decode, "--depth", depth)["results"]
            self.assertEqual(work["peers"][0]["rounds_tok_s"], [2, 2])
            self.assertEqual(work.get("note", ""), f"behind {depth} tokens" if depth else "")
            costs.append(work["bytes_per_token"])
            arguments = (self.folder / "bench-arguments").read_text()
            self.assertIn(f"-p {0 if depth else 16} -n 4", arguments)
            self.assertEqual(f"-d {depth}" in arguments, depth > 0)
        self.assertGreater(costs[1], costs[0])  # what was written is read, too
        self.fails(*decode, "--depth", -1, code=2, says="--depth")
        self.fails(*decode, "--depth", 4096, code=2, says="4097 tokens|context")

    def test_page(self):
        self.run_ok("bench", "--model", self.gguf, "--only", "decode", *SMALL, "--plot", "ratios.html")
        self.assertRegex((self.folder / "ratios.html").read_text(), r"(?s)<!doctype html>.*<svg.*decode.*</svg>")

    def test_a_row_is_no_longer_than_the_context(self):
        result = self.run_ok("bench", "--model", self.gguf, "--only", "train", "--train-rows", 1, "--train-length", 4096,
                             "--repeats", 1)
        self.assertIn("steps of 1 x 512 tokens", result["results"][0]["note"])

    def test_bad_input(self):
        small = ("bench", "--model", self.gguf, "--only", "decode", *SMALL)
        self.fails("bench", "--model", self.gguf, "--only", "perplexity", code=2, says="got no --text, expected a text file")
        self.fails(*small, "--plot", "ratios.png", code=2, says="--plot: got 'ratios.png', expected a name that ends with")
        self.fails(*small, "--roofline", "roof.html", code=2, says="--roofline: got 'roof.html', expected .*svg")
        self.fails("bench", "--roofline", "roof.svg", code=2, says="got no --model, expected one")
        self.fails(*small, "--peer", "nobody", code=2, says="--peer: got 'nobody', expected NAME=COMMAND")
        self.fails(*small, "--peer", "p=./llama-perplexity", code=2, says="--peer p: got no --text, expected")
        self.fails(*small, "--peer", "mute=true", code=2, says="peer mute: `true` printed no result; expected .* got: nothing")
        self.fails(*small, "--threads-sweep", "0", code=2, says="--threads-sweep")
        for size in ("", "6 apples", "-3GB", "0", "1e30GB", "nan"):
            self.fails(*small, f"--memory-limit={size or 'GB'}", code=2,
                       says="--memory-limit: got '.*', expected a size such as 6.5GB")

    def test_memory_limit(self):
        train = ("tune", "--model", self.gguf, "--data", "train.jsonl", "--max-length", 128, "--steps", 2, "--output")
        self.fails(*train, "limited", "--memory-limit", "1MB", code=1,
                   says=r"tune: memory: needs .* expected at most the [\d.]+ \w+ available; lower --batch or --max-length")
        free = self.run_ok(*train, "free")
        self.assertEqual((free["recomputed_blocks"], free["blocks"]), (0, 5))
        recomputed = self.run_ok(*train, "recomputed", "--checkpointing", "on")
        self.assertEqual(recomputed["recomputed_blocks"], 5)
        self.assertEqual(free["train_loss"], recomputed["train_loss"])

    def test_any_number_of_threads(self):
        texts = set()
        for threads in (1, 2, 3, 64):
            result = subprocess.run([HONE, "generate", "--model", self.gguf, "--prompt", "Once upon", "--temperature", "0",
                                     "--max-tokens", "20", "--quiet", "--threads", str(threads)], capture_output=True,
                                    text=True, timeout=300, cwd=self.folder, env=os.environ)
            self.assertEqual(result.returncode, 0, result.stderr)
            texts.add(result.stdout)
        self.assertEqual(len(texts), 1, texts)


if __name__ == "__main__":
    main()
