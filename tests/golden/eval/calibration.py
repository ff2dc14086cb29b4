#!/usr/bin/env python3
"""calibration.json: choices' log p, and calibration computed from them with numpy in ways of its own (np.digitize,
np.array_split). Run again after a change: calibration.py > calibration.json"""
import json

import numpy as np

BINS = 15


def softmax(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def calibration(scores, answers):
    p = softmax(scores)
    confidence = p.max(axis=1)
    right = (p.argmax(axis=1) == answers).astype(float)
    # right=True: bins are (low, high]
    which = np.digitize(confidence, np.linspace(0, 1, BINS + 1)[1:-1], right=True)
    bins = [{"n": int((which == b).sum()),
             "confidence": float(confidence[which == b].mean()) if (which == b).any() else 0.0,
             "accuracy": float(right[which == b].mean()) if (which == b).any() else 0.0} for b in range(BINS)]
    ece = sum(b["n"] * abs(b["accuracy"] - b["confidence"]) for b in bins) / len(answers)
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, BINS)
    mass = sum(len(part) * abs(right[part].mean() - confidence[part].mean()) for part in parts if len(part)) / len(answers)
    target = np.eye(scores.shape[1])[answers]
    return {"ece": float(ece), "ece_mass": float(mass), "brier": float(((p - target) ** 2).sum(axis=1).mean()),
            "confidence": float(confidence.mean()), "accuracy": float(right.mean()), "bins": bins}


def main():
    rng = np.random.default_rng(7)
    n, choices = 97, 4
    lengths = rng.integers(2, 12, size=(n, choices))
    log_p = np.round(-lengths * rng.uniform(0.5, 1.5, size=(n, choices)) - rng.exponential(1.0, size=(n, choices)), 6)
    better = np.where(rng.random(n) < 0.4, log_p.argmax(axis=1), rng.integers(0, choices, size=n))
    print(json.dumps({"log_p": log_p.tolist(), "lengths": lengths.tolist(), "answers": better.tolist(),
                      "plain": calibration(log_p, better), "norm": calibration(log_p / lengths, better)}))


if __name__ == "__main__":
    main()
