"""What other programs make of the same answers: lm-evaluation-harness's exact_match and its gsm8k filters, SQuAD's F1 and
exact match (its script as lm-evaluation-harness has it for Qasper), ROUGE-L (rouge_score, with and without stems) and IFEval's instructions
(lm-evaluation-harness). Writes matches.json and ifeval.json.

usage: make_matches.py OUTPUT_FOLDER       needs tests/requirements-heavy.txt (rouge_score and nltk come with lm-eval)
"""
import json
import pathlib
import random
import sys

WORDS = ("the a an cat Cat's sat on mat, running runs ran happily nationally digitizers conflated hopping ponies caresses "
         "agreed plastered motoring sized falling filing sky skies dying news enjoyment relational valency archaeology "
         "adjustment communism rate cease controlling roll U.S. 1,000 $5.50 (really) naïve Über co-operate \u201cquoted\u201d "
         "dogs' don't \u2013 The AN").split()
GSM = ["The answer is 18.", "So 9 * 2 = $<<9*2=18>>18.\n#### 18", "#### -1,000.50", "#### $18", "no number", "it is $1,234.", "a 5 b",
       "####18", "18\n#### 18\nQuestion", "-7", "$", "1.2.3 then ...", "#### 18.", "... 4"]
EXACT = [{}, {"ignore_case": True}, {"ignore_punctuation": True}, {"ignore_numbers": True},
         {"ignore_case": True, "ignore_punctuation": True}, {"regexes_to_ignore": [",", "\\$", "(?s).*#### ", "\\.$"]},
         {"regexes_to_ignore": ["[a-z]+"], "ignore_case": True}]
EXACT_TEXTS = ["Paris", "paris", "Paris.", "PARIS!", "$1,000", "1000", "1000.", "x\n#### 1000", "Ünï 12", "ünï", "a-b", "ab"]


def sentences(rng, n):
    return " ".join(rng.choice(WORDS) for _ in range(n))


def matches():
    from lm_eval.api.metrics import exact_match_hf_evaluate
    from lm_eval.filters.extraction import RegexFilter
    from rouge_score import rouge_scorer
    from rouge_score.tokenize import tokenize
    from nltk.stem.porter import PorterStemmer
    from lm_eval.tasks.qasper.metrics import f1_abstractive, normalize_answer
    rng = random.Random(7)
    pairs = [("", ""), ("", "cat"), ("the", "a"), ("The cat.", "cat"), ("a\u2013the b", "\u2013 b"), ("_the_ x", "the x")]
    for _ in range(120):
        first = sentences(rng, rng.randrange(0, 14))
        second = first if rng.random() < 0.1 else " ".join(rng.sample(first.split(), len(first.split()) // 2) +
                                                            sentences(rng, rng.randrange(0, 8)).split())
        pairs.append((first, second))
    plain, stemmed = (rouge_scorer.RougeScorer(["rougeL"], use_stemmer=s) for s in (False, True))
    out = {"pairs": [], "stems": {}, "exact": [], "gsm8k": []}
    for answer, reference in pairs:
        out["pairs"].append({
            "answer": answer, "reference": reference,
            "exact": int(normalize_answer(answer) == normalize_answer(reference)),
            # Two empty answers are the same in SQuAD 2.0, which the code of 1.1 does not know.
            "f1": f1_abstractive([answer], [reference]) if normalize_answer(answer) + normalize_answer(reference) else 1.0,
            "rouge_l": plain.score(reference, answer)["rougeL"].fmeasure,
            "rouge_l_stems": stemmed.score(reference, answer)["rougeL"].fmeasure})
    stemmer = PorterStemmer()
    endings = ("s es ed ing ies ied y ly ally ational tional enci anci izer abli alli entli eli ousli ization ation ator alism "
               "iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able "
               "ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll ee eed").split()
    stems = ("a be cat hop fil fall hiss tann trouble relat sens form happ enjoy geo archaeo contr vil syzyg toy oat y yy ski "
             "commun adopt replac ow 7up fizz agr pl str mm").split()
    words = {w for w in WORDS if w.isalpha() and w.isascii()} | {s + e for s in stems for e in endings}
    words |= {"sky", "skies", "dying", "lying", "tying", "news", "innings", "outings", "cannings", "howe", "proceed", "exceed",
              "succeed", "flies", "dies", "spied", "died"}
    for word in sorted(w.lower() for w in words):
        out["stems"][word] = stemmer.stem(word)
    out["exact_texts"] = EXACT_TEXTS
    for options in EXACT:
        rows = ["".join("01"[bool(exact_match_hf_evaluate(predictions=[answer], references=[reference], **options)["exact_match"])]
                        for reference in EXACT_TEXTS) for answer in EXACT_TEXTS]
        out["exact"].append({"options": options, "right": rows})
    strict = RegexFilter(regex_pattern="#### (\\-?[0-9\\.\\,]+)")
    flexible = RegexFilter(regex_pattern="(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)
    kwargs = dict(ignore_case=True, regexes_to_ignore=[",", "\\$", "(?s).*#### ", "\\.$"])
    for answer in GSM:
        for solution in ("step\n#### 18", "x <<1=1>>\n#### 1,000.50", "#### -7"):
            entry = {"answer": answer, "solution": solution}
            for name, found in (("strict", strict), ("flexible", flexible)):
                extracted = found.apply([[answer]], [{}])[0][0]
                entry[name] = extracted
                entry[name + "_right"] = bool(exact_match_hf_evaluate(predictions=[extracted], references=[solution],
                                                                      **kwargs)["exact_match"])
            out["gsm8k"].append(entry)
    return out


ANSWERS = [
    "", "   ", "Yes.", "My answer is yes.", "\"My answer is no.\"", "* one\n* two\n- three\n", "*bold* and **very bold** and * *\n** **",
    "<<A Title>>\nText [name] and [address].\n\nP.S. more", "p. p. s nothing\nP.P.S. again", "SECTION 1\ntext\nSECTION 2\nmore\nSection 3",
    "{\"a\": [1, 2]}", "```json\n{\"a\": 1}\n```", "```\nnot json\n```", "First part\n***\nSecond part\n***\nThird", "One\n\n***\n\nTwo",
    "***\nOnly\n***", "a\n***\n\n***\nb", "Answer one\n******\nAnswer two", "******same******same", "x******y******z",
    "I CAN'T GO. WE CANNOT, THEY'RE GONNA STAY: NO, NO! U.S.A. Mr. SMITH'S \"HAT\" A.B. 12 X1",
    "ALL CAPITAL LETTERS HERE 123!", "all lowercase letters here, with a comma", "Mixed Case. Ünïcode words: naïve café, 日本語 テキスト",
    "word word Word keyword, WORDS and more words; the letter e appears everywhere, element",
    "'Hello' there.\n\n\"Second\" paragraph, here.\n\n third's word\n\nlast", "\n\nfirst\n\nsecond", "Hello,world\n\nHello world",
    "Write a poem about cats.\nHere it is: cats, cats, cats.\nIs there anything else I can help with?", "\"Wrapped in quotes.\"", "\"",
    "Intro line\n* Hello *world*\n\"My answer is maybe.\"\nIs there anything else I can help with?\"",
    "Title: <<  >>\n<<>>", "- a\n-b\n  - c\n\n*d", "*\n* x", "Sure!\n{\"a\": 1}\nDone", "THE \u201cBIG\u201d DOG DIDN\u2019T BARK\u2014EVER...OK? RIGHT/WRONG",
    "Section1\nSection 2 Section  3", "No commas here at all", "[a][b] [c\nd] []",
    "Mr. A. Smith paid 3.50 dollars to Dr. Jones. \"Really?\" she asked! (He left.) What?! Yes...",
    "1. Wash it.\n2. Dry it.\n3. eat it.\n\nFruit, e.g. apples, pears etc. are good. See No. 5 and vol. 2.",
    "**Dear Sir,**\n\nIt was the U.S. team. I saw Prof. Lee at 5 p.m. The game began... and then it rained.** It ended.[1] So what",
    "wait... what? i mean, who knows. he left at 9 a.m. he came back at noon.",
]
RELATIONS = ("less than", "at least")


def instructions():
    out = [("keywords:existence", {"keywords": k}) for k in (["word"], ["cats", "poem"], ["naïve"], ["l.ter", "e"])]
    out += [("keywords:frequency", {"keyword": k, "frequency": n, "relation": r})
            for k, n in (("word", 2), (" cats ", 3), ("e", 5)) for r in RELATIONS]
    out += [("keywords:forbidden_words", {"forbidden_words": k}) for k in (["word"], ["cat", "dog"], ["more", "hello"])]
    out += [("keywords:letter_frequency", {"letter": c, "let_frequency": n, "let_relation": r})
            for c, n in (("e", 5), ("A", 2), ("z", 1)) for r in RELATIONS]
    out += [("length_constraints:number_sentences", {"num_sentences": n, "relation": r}) for n in (1, 2, 3, 4, 5, 6, 8) for r in RELATIONS]
    out += [("length_constraints:number_words", {"num_words": n, "relation": r}) for n in (3, 10) for r in RELATIONS]
    out += [("length_constraints:number_paragraphs", {"num_paragraphs": n}) for n in (1, 2, 3)]
    out += [("length_constraints:nth_paragraph_first_word", {"num_paragraphs": n, "nth_paragraph": i, "first_word": w})
            for n, i, w in ((4, 1, "hello"), (4, 2, "Second"), (4, 3, "third"), (2, 1, "hello"), (2, 2, "second"), (1, 1, "yes"))]
    out += [("detectable_content:number_placeholders", {"num_placeholders": n}) for n in (1, 2, 3)]
    out += [("detectable_content:postscript", {"postscript_marker": m}) for m in ("P.S.", "P.P.S", "PS")]
    out += [("detectable_format:number_bullet_lists", {"num_bullets": n}) for n in (1, 2, 3, 4)]
    out += [("detectable_format:constrained_response", {}), ("detectable_format:json_format", {}), ("detectable_format:title", {})]
    out += [("detectable_format:number_highlighted_sections", {"num_highlights": n}) for n in (1, 2, 3)]
    out += [("detectable_format:multiple_sections", {"section_spliter": s, "num_sections": n})
            for s, n in (("SECTION", 2), ("Section", 1), ("Section", 3))]
    out += [("combination:two_responses", {}), ("startend:quotation", {}), ("punctuation:no_comma", {})]
    out += [("combination:repeat_prompt", {"prompt_to_repeat": "Write a poem about cats."})]
    out += [("startend:end_checker", {"end_phrase": p}) for p in ("Is there anything else I can help with?", " yes. ")]
    out += [("change_case:capital_word_frequency", {"capital_frequency": n, "capital_relation": r})
            for n in (1, 2, 5, 9, 18, 19, 20, 21, 22, 23, 24, 25) for r in RELATIONS]
    out += [("change_case:english_capital", {}), ("change_case:english_lowercase", {})]
    return out


def ifeval():
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "interop"))
    import punkt_model
    punkt_model.provide()
    import langdetect
    from lm_eval.tasks.ifeval import utils
    langdetect.detect = lambda text: "en"  # what it makes of languages is in languages.json
    out = []
    for name, arguments in instructions():
        example = utils.InputExample(key=0, instruction_id_list=[name], prompt="", kwargs=[arguments])
        strict, loose = "", ""
        for answer in ANSWERS:
            strict += "01"[utils.test_instruction_following_strict(example, answer).follow_all_instructions]
            loose += "01"[utils.test_instruction_following_loose(example, answer).follow_all_instructions]
        out.append({"id": name, "arguments": arguments, "strict": strict, "loose": loose})
    return {"answers": ANSWERS, "instructions": out}


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for stem, made in (("matches", matches()), ("ifeval", ifeval())):
        text = json.dumps(made, ensure_ascii=False, indent=None, separators=(",", ":")).replace("},{", "},\n{")
        (folder / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
