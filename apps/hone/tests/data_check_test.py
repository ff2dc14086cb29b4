"""hone data check --against: what held-out data shares with training data, beside a brute-force search."""
import json
import string

from hone_case import SOURCE, HoneCase, chats, main

DELETE = str.maketrans(string.ascii_uppercase, string.ascii_lowercase, string.punctuation)


def words(text):
    return text.translate(DELETE).split()


def messages(path):
    return [[words(message["content"]) for message in json.loads(line)["messages"]] for line in path.read_text().splitlines()]


def runs(part, n):
    return [tuple(part[i:i + n]) for i in range(len(part) - n + 1)]


class DataCheck(HoneCase):
    def test_medical_against_brute_force(self):
        data = SOURCE / "examples/medical/data"
        train, test = data / "train.jsonl", data / "test.jsonl"
        trained, held_out = messages(train), messages(test)
        for n, shortest in ((13, 8), (4, 4), (6, 3)):
            of_train = {k: {run for chat in trained for part in chat for run in runs(part, k)}
                        for k in range(shortest, n + 1)}
            shared = shared_runs = 0
            for chat in held_out:
                own = [run in of_train[k] for part in chat for k in [min(n, len(part))] if k >= shortest
                       for run in runs(part, k)]
                shared += any(own)
                shared_runs += sum(own)
            found = self.run_ok("data", "check", train, "--against", test, "--ngram", n, "--shortest", shortest)["against"]
            self.assertEqual((found["documents"], found["shared"], found["shared_ngrams"]), (64, shared, shared_runs))
            for match in found["worst"]:
                part = tuple(match["text"].split())
                self.assertTrue(any(part in runs(p, len(part)) for p in held_out[match["line"] - 1]))
                first = part[:min(n, len(part))]
                self.assertTrue(any(first in runs(p, len(first)) for p in trained[match["train_line"] - 1]))
        self.assertGreater(shared, 0)

    def test_duplicates_and_other_files(self):
        (self.folder / "rows.jsonl").write_text(json.dumps({"question": "Tell me", "choices": [
            "Once upon a time; there was a BIG cat."]}) + "\n" + json.dumps({"question": "Something else"}) + "\n")
        found = self.run_ok("data", "check", "train.jsonl", "--against", "rows.jsonl")["against"]
        self.assertEqual((found["documents"], found["compared"], found["shared"], found["duplicates"]), (2, 1, 1, 0))
        self.assertEqual((found["worst"][0]["line"], found["worst"][0]["train_line"]), (1, 1))
        (self.folder / "upper.jsonl").write_text(chats(2, 5).upper().replace("MESSAGES", "messages").replace(
            "ROLE", "role").replace("CONTENT", "content").replace("USER", "user").replace("ASSISTANT", "assistant"))
        found = self.run_ok("data", "check", "train.jsonl", "--against", "upper.jsonl")
        self.assertEqual(found["overlap"], 2)
        self.assertTrue(all(match["duplicate"] for match in found["against"]["worst"]))
        text = self.call("data", "check", "train.jsonl", "--against", "upper.jsonl").stdout
        self.assertIn("warning: what is measured on these lines is partly memory", text)
        (self.folder / "lines.txt").write_text("\n\nnothing in common with any of it here at all, friends\n")
        text = self.call("data", "check", "train.jsonl", "--against", "lines.txt").stdout
        self.assertNotIn("warning", text)

    def test_without_a_model(self):
        found = self.run_ok("data", "check", "train.jsonl")
        self.assertEqual((found["chats"], found["duplicates"]), (24, 0))
        self.assertNotIn("tokens", found)

    def test_errors(self):
        self.fails("data", "check", "train.jsonl", "--ngram", 5, code=2, says="--ngram.*--against")
        self.fails("data", "check", "train.jsonl", "--against", "absent.jsonl", code=2, says="absent.jsonl")
        self.fails("data", "check", "train.jsonl", "--against", "general.txt", "--ngram", 0, code=2, says="--ngram")
        (self.folder / "empty.txt").write_text("\n \n")
        self.fails("data", "check", "train.jsonl", "--against", "empty.txt", code=2, says="empty.txt: got a file without text")


if __name__ == "__main__":
    main()
