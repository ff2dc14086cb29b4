"""Becomes the hone program: same arguments, signals and exit code."""
import os
import sys

from hone import PROGRAM


def main():
    os.execv(PROGRAM, [str(PROGRAM), *sys.argv[1:]])


if __name__ == "__main__":
    main()
