"""Sampler distributions: llama.cpp's own sampler chain (through llama-cpp-python), checked against a plain numpy
reading of the same rules. Writes sampler.json.

usage: make_sampler.py OUTPUT_FOLDER        needs llama-cpp-python, numpy
"""
import ctypes
import json
import pathlib
import sys

import llama_cpp
import numpy as np

CASES = [
    dict(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.0, repeat_last_n=64),
    dict(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, repeat_penalty=1.0, repeat_last_n=64),
    dict(temperature=0.5, top_k=5, top_p=1.0, min_p=0.0, repeat_penalty=1.0, repeat_last_n=64),
    dict(temperature=1.5, top_k=0, top_p=0.6, min_p=0.0, repeat_penalty=1.0, repeat_last_n=64),
    dict(temperature=0.7, top_k=0, top_p=1.0, min_p=0.2, repeat_penalty=1.0, repeat_last_n=64),
    dict(temperature=0.9, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.3, repeat_last_n=64),
    dict(temperature=0.9, top_k=12, top_p=0.9, min_p=0.1, repeat_penalty=1.8, repeat_last_n=4),
    dict(temperature=1.0, top_k=0, top_p=0.01, min_p=0.0, repeat_penalty=1.0, repeat_last_n=64),
    dict(temperature=1.0, top_k=0, top_p=1.0, min_p=1.0, repeat_penalty=1.0, repeat_last_n=64),
    dict(temperature=1.0, top_k=7, top_p=0.8, min_p=0.02, repeat_penalty=0.7, repeat_last_n=-1),
    dict(temperature=0.0, top_k=40, top_p=0.95, min_p=0.05, repeat_penalty=2.0, repeat_last_n=64),
]


def by_llama_cpp(logits, history, o):
    lib = llama_cpp
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    last_n = len(history) if o["repeat_last_n"] < 0 else o["repeat_last_n"]
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_penalties(len(logits), last_n, o["repeat_penalty"], 0.0, 0.0))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(o["top_k"]))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(o["top_p"], 1))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_min_p(o["min_p"], 1))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(o["temperature"]))
    for token in history:
        lib.llama_sampler_accept(chain, token)
    data = (lib.llama_token_data * len(logits))()
    for i, logit in enumerate(logits):
        data[i].id, data[i].logit, data[i].p = i, logit, 0.0
    array = lib.llama_token_data_array(data, len(logits), -1, False)
    lib.llama_sampler_apply(chain, ctypes.byref(array))
    kept = [(array.data[i].id, array.data[i].logit) for i in range(array.size) if np.isfinite(array.data[i].logit)]
    lib.llama_sampler_free(chain)
    values = np.array([logit for _, logit in kept], np.float64)
    p = np.exp(values - values.max())
    p /= p.sum()
    return sorted(zip([token for token, _ in kept], p.tolist()), key=lambda pair: -pair[1])


def by_numpy(logits, history, o):
    logits = np.array(logits, np.float64)
    window = history if o["repeat_last_n"] < 0 else history[len(history) - min(o["repeat_last_n"], len(history)):]
    for token in set(window):
        logits[token] *= o["repeat_penalty"] if logits[token] <= 0 else 1 / o["repeat_penalty"]
    if o["temperature"] == 0:
        return [(int(np.argmax(logits)), 1.0)]
    order = np.argsort(-logits, kind="stable")
    if o["top_k"] > 0:
        order = order[: o["top_k"]]
    if o["top_p"] < 1:
        p = np.exp(logits[order] - logits[order[0]])
        p /= p.sum()
        order = order[: int(np.searchsorted(np.cumsum(p), o["top_p"])) + 1]
    if o["min_p"] > 0:
        order = order[logits[order] >= logits[order[0]] + np.log(o["min_p"])]
    p = np.exp((logits[order] - logits[order[0]]) / o["temperature"])
    p /= p.sum()
    return list(zip(order.tolist(), p.tolist()))


def main():
    out = pathlib.Path(sys.argv[1])
    rng = np.random.default_rng(7)
    cases = []
    for options in CASES:
        for size in (16, 50):
            logits = [float(x) for x in rng.normal(0, 2.5, size).astype(np.float32)]
            history = [int(x) for x in rng.integers(0, size, 9)]
            theirs, plain = by_llama_cpp(logits, history, options), by_numpy(logits, history, options)
            assert [t for t, _ in theirs] == [t for t, _ in plain], (options, theirs, plain)
            assert np.allclose([p for _, p in theirs], [p for _, p in plain], atol=1e-5), options
            cases.append(dict(options=options, logits=logits, history=history,
                              ids=[t for t, _ in theirs], p=[round(p, 7) for _, p in theirs]))
    (out / "sampler.json").write_text(json.dumps(cases))


main()
