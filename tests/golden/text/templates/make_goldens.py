#!/usr/bin/env python3
"""Renders chat templates and small snippets with Jinja2, set up as transformers sets it up, and writes what came
out: chats.json (every *.jinja of a folder x the conversations below), published.json (the templates of published/ x
these conversations and some more) and snippets.json (snippets.txt).

usage: make_goldens.py OUT_FOLDER [TEMPLATE_FOLDER]     (needs jinja2 >= 3.1.6)
"""
import json
import pathlib
import sys
from datetime import datetime

import jinja2
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_support"), [], [], body).set_lineno(lineno)

    def _support(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


class Namespace(jinja2.utils.Namespace):
    def __setitem__(self, name, value):
        if name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"underscore-prefixed attribute {name!r}")
        super().__setitem__(name, value)


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["namespace"] = Namespace
    env.globals["strftime_now"] = lambda format: datetime(2024, 7, 26).strftime(format)
    return env


def render(source, variables):
    try:
        return {"text": environment().from_string(source).render(**variables)}
    except Exception as e:  # any failure counts as one; the messages differ between the two implementations
        return {"error": f"{type(e).__name__}: {e}"}


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather at a place",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Name, e.g. \"Zürich\""},
                "days": {"type": "integer", "enum": [1, 2, 3]},
                "exact": {"type": ["boolean", "null"], "default": False},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["city"],
        },
    },
}
CALL = {
    "id": "call12345",
    "type": "function",
    "function": {"name": "get_weather", "arguments": {"city": "Bern", "days": 2, "exact": True, "near": None}},
}


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def conversations():
    system = {"role": "system", "content": "Be brief."}
    two = [user("What is 2+2?"), assistant("It is 4."), user("And 3+3?"), assistant("That makes 6.")]
    called = [
        user("Weather in Bern?"),
        assistant("", tool_calls=[CALL]),
        {"role": "tool", "name": "get_weather", "tool_call_id": "call12345", "content": "{\"celsius\": 21}"},
        assistant("Sunny, 21 °C."),
    ]
    text = [{"type": "text", "text": "Hello "}, {"type": "text", "text": "parts"}]
    yield "plain", two[:2], {}
    yield "prompt", two[:1], {"add_generation_prompt": True}
    yield "system", [system] + two, {}
    yield "system_prompt", [system] + two[:3], {"add_generation_prompt": True}
    yield "unicode", [user("\"Äh\" 'x'\n\n日本語 🙂\ttab\\"), assistant("  <b>ß & 'q' \"dq\"</b>\n\n ")], {}
    yield "empty", [user(""), assistant(""), user("go on"), assistant("x")], {}
    yield "thinking", [user("Why?"), assistant("<think>\nHm. So.\n</think>\n\nBecause."), user("Ah"), assistant("Yes")], {}
    yield "tools", [system] + two[:1], {"add_generation_prompt": True, "tools": [WEATHER]}
    yield "tool_call", called, {"tools": [WEATHER]}
    yield "tool_call_no_tools", called[:3], {"add_generation_prompt": True}
    yield "null_content", [called[0], dict(called[1], content=None)] + called[2:], {"tools": [WEATHER]}
    yield "parts", [user(text), assistant([{"type": "text", "text": "Answer in a part"}])], {}
    yield "order", [assistant("first"), user("second")], {}
    yield "roles", [user("a"), user("b"), {"role": "narrator", "content": "c"}], {}
    yield "options", two, {"extra": {"enable_thinking": False, "date_string": "26 Jul 2024", "thinking": True,
                                     "reasoning_effort": "high", "documents": [{"title": "T", "text": "D"}]},
                           "add_generation_prompt": True}


def more_conversations():
    """What published templates branch on: reasoning, several calls, odd text, and orders that some refuse."""
    system = {"role": "system", "content": "Be brief."}
    two = [user("What is 2+2?"), assistant("It is 4."), user("And 3+3?"), assistant("That makes 6.")]
    thought = "<think>\nHm. So.\n</think>\n\nBecause."
    arguments = {"city": "Zürich", "days": [1, 2.5, {"deep": None, "ok": False}], "note": "a \"b\"\n</x> & 'c'"}
    calls = [CALL, {"id": "callabcde", "type": "function", "function": {"name": "get_time", "arguments": arguments}}]
    results = [{"role": "tool", "name": call["function"]["name"], "tool_call_id": call["id"], "content": content}
               for call, content in zip(calls, ("{\"celsius\": 21}", "12:00 ✓"))]
    yield "turns", two, {}
    yield "turns_prompt", two[:3], {"add_generation_prompt": True}
    yield "thinking_last", [user("Why?"), assistant(thought)], {}
    yield "thinking_prompt", [user("Why?"), assistant(thought), user("Ah")], {"add_generation_prompt": True}
    field = [user("Why?"), assistant("Because.", reasoning_content="\nHm. So.\n", thinking="Hm."), user("Ah"),
             assistant("Yes", reasoning_content="Clear.", thinking="Clear.")]
    yield "reasoning_field", field, {}
    yield "reasoning_field_prompt", field[:3], {"add_generation_prompt": True, "extra": {"enable_thinking": True}}
    yield "no_thinking", [system] + two[:3], {"add_generation_prompt": True, "extra": {"enable_thinking": False}}
    yield "switches", [dict(system, content="Terse. /no_think"), user("Hi /think")], {"add_generation_prompt": True}
    yield "odd_text", [user("שלום \u202eabc\u202c e\u0301 İ ǆ 👩‍👩‍👧 \u2028\u0085\x7f\x01|"),
                       assistant("\ufeffß𝔘 \u00a0\u3000 %s {{ 7 * 7 }} {% if x %} {# c #} \\n")], {}
    yield "control_text", [user("a<|im_end|>\n<|im_start|>system\nb</s>[/INST]<|end|>"),
                           assistant("c</s><|im_end|><|end|></think>d")], {}
    yield "empty_tools", two[:1], {"add_generation_prompt": True, "tools": []}
    yield "two_calls", [user("Both?"), assistant("Let me look.", tool_calls=calls), *results, assistant("Sunny at noon.")], {
        "tools": [WEATHER, {"type": "function", "function": {"name": "get_time", "description": "Now",
                                                             "parameters": {"type": "object", "properties": {}}}}]}
    yield "two_calls_prompt", [system, user("Both?"), assistant("", tool_calls=calls), *results], {
        "add_generation_prompt": True, "tools": [WEATHER]}
    yield "short_call_id", [user("Weather?"), assistant("", tool_calls=[dict(CALL, id="x")])], {"tools": [WEATHER]}
    yield "result_without_call", [user("Weather?"), results[0]], {"add_generation_prompt": True}
    yield "system_late", two[:2] + [system] + two[2:], {}
    yield "two_users", [user("a"), user("b"), assistant("c")], {}
    yield "two_answers", two[:2] + [assistant("Or five."), user("No")], {"add_generation_prompt": True}
    yield "developer", [{"role": "developer", "content": "Be kind."}] + two[:2], {}
    yield "no_content", [user("a"), {"role": "assistant"}, user("b")], {}
    yield "no_messages", [], {"add_generation_prompt": True}


TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


def published(folder):
    conversations_ = [*conversations(), *more_conversations()]
    models = json.loads((folder / "models.json").read_text())
    assert {path.name for path in folder.glob("*.jinja")} == {model["file"] for model in models}
    cases = []
    for model in models:
        source = (folder / model["file"]).read_text()
        for name, messages, options in conversations_:
            variables = {"messages": messages, "tools": options.get("tools"), "documents": None,
                         "add_generation_prompt": options.get("add_generation_prompt", False),
                         "bos_token": model["bos"], "eos_token": model["eos"], **options.get("extra", {})}
            cases.append({"template": model["file"], "conversation": name, **render(source, variables)})
    return {"conversations": {name: {"messages": messages, "options": options}
                              for name, messages, options in conversations_}, "cases": cases}


def chats(folder):
    for path in sorted(folder.glob("*.jinja")):
        source = path.read_text()
        for name, messages, options in conversations():
            variables = {"messages": messages, "tools": options.get("tools"), "documents": None,
                         "add_generation_prompt": options.get("add_generation_prompt", False), **TOKENS,
                         **options.get("extra", {})}
            yield {"template": path.name, "conversation": name, "messages": messages, "options": options,
                   **render(source, variables)}


# Variables that snippets may use.
SNIPPET_EXTRA = {
    "s": "Hello, World", "u": "Grüße, 日本🙂", "n": 7, "f": 2.5, "t": True, "nothing": None, "l": [3, 1, 2],
    "words": ["b", "A", "c", "a"], "d": {"b": 2, "a": 1, "items": "x"}, "e": [], "nested": {"x": {"y": [10, {"z": 1}]}},
    "people": [{"name": "Bo", "age": 4}, {"name": "al", "age": 9}, {"name": "Cy", "age": 4, "ok": True}],
}


def snippets(path):
    for source in path.read_text().split("\n====\n"):
        source = source.removesuffix("\n") if source.endswith("\n====\n") else source
        variables = {"messages": [], "tools": None, "documents": None, "add_generation_prompt": False, **TOKENS,
                     **SNIPPET_EXTRA}
        yield {"source": source, **render(source, variables)}


def write(path, data):
    path.write_text(json.dumps(data, ensure_ascii=False, indent=0) + "\n")


def main():
    here = pathlib.Path(__file__).parent
    out = pathlib.Path(sys.argv[1])
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else here
    write(out / "chats.json", list(chats(folder)))
    write(out / "published.json", published(here / "published"))
    write(out / "snippets.json", {"variables": SNIPPET_EXTRA, "cases": list(snippets(here / "snippets.txt"))})


if __name__ == "__main__":
    main()
