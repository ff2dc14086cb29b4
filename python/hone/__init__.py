"""hone: one native program that tunes, quantizes, measures and runs language models. This package carries it."""
import pathlib

PROGRAM = pathlib.Path(__file__).parent / "bin" / "hone"
