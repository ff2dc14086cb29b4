#!/usr/bin/env python3
"""Prints the grids of the iq formats as src/formats/grid.cpp holds them, and writes grids.txt, from the gguf package.

A point of a grid has 8 (or 4) coordinates, each one of 3 (or 8) values; its number has the first coordinate's choice in
the lowest 2 (or 4) bits. The numbers of a grid ascend, so a grid is written as the differences between neighbours: one
character each, `~` adding 90 and going on.

  grids.txt   format, number of points, sum over points i = 0, 1, ... of (i + 1) * (number + 1), modulo 2^32

Usage: generate_grids.py FOLDER   (needs numpy and gguf; written with gguf 0.19.0)
"""
import sys
from pathlib import Path

import numpy as np
from gguf import quants

FORMATS = ("IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S")
STEP, WIDTH = 90, 104


def numbers(name):
    codec = getattr(quants, name)
    codec.init_grid()
    choices = {value: i for i, value in enumerate(codec.grid_map)}
    bits = 2 if len(choices) == 3 else 4
    points = codec.grid.reshape(codec.grid_shape)
    return [sum(choices[v] << (bits * i) for i, v in enumerate(point)) for point in points]


def character(value):
    return chr(value + (35 if value < 57 else 36))  # no quote, no backslash


def packed(values):
    assert values == sorted(values)
    text = ""
    for before, value in zip([0] + values, values):
        step = value - before
        text += "~" * (step // STEP) + character(step % STEP)
    return text


def main():
    lines = []
    for name in FORMATS:
        values = numbers(name)
        text = packed(values)
        print(f"constexpr char k{name.title().replace('_', '')}[] =")
        rows = [text[i : i + WIDTH] for i in range(0, len(text), WIDTH)]
        print("\n".join(f'    "{row}"' for row in rows) + ";")
        total = sum((i + 1) * (value + 1) for i, value in enumerate(values)) % 2**32
        lines.append(f"{name.lower()} {len(values)} {total}\n")
    (Path(sys.argv[1]) / "grids.txt").write_text("".join(lines))


main()
