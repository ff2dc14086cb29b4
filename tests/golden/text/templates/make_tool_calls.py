#!/usr/bin/env python3
"""What is to be learned of a chat in which the assistant calls tools, through each template of published/: of each answer all
that Jinja2 renders from the end of the assistant's header to the token that ends the turn. Writes tool_calls.json.

usage: make_tool_calls.py OUT_FOLDER      (needs jinja2 >= 3.1.6)
"""
import json
import pathlib
import re
import sys

from make_goldens import render

PUBLISHED = pathlib.Path(__file__).parent / "published"
# Where the prompt of a call is another than of an answer, or the turn is ended by what opens the next.
HEADER = {"deepseek-v3.1.jinja": "</think>", "gpt-oss.jinja": "<|start|>assistant",
          "mistral-nemo.jinja": "[/INST]", "mistral-small-3.2.jinja": "[/INST]", "ministral-3-reasoning.jinja": "[/INST]"}
END = {"apertus.jinja": "<|tools_suffix|>", "glm-4.6.jinja": "<|observation|>", "gpt-oss.jinja": "<|call|>"}


def call(number, city, days):
    return {"type": "function", "id": f"abcdefgh{number}", "function": {"name": "get_weather", "arguments": {"city": city, "days": days}}}


def chat(n_calls):
    cities = [("Quito", 2), ("Perth", 3)][:n_calls]
    calls = [call(i + 1, *city) for i, city in enumerate(cities)]
    answers = [{"role": "tool", "name": "get_weather", "tool_call_id": c["id"], "content": f"{20 + i} degrees"}
               for i, c in enumerate(calls)]
    return [{"role": "user", "content": "Which weather will there be?"}, {"role": "assistant", "content": "", "tool_calls": calls},
            *answers, {"role": "assistant", "content": "It will be mild."}, {"role": "user", "content": "Thanks"},
            {"role": "assistant", "content": "Sure."}]


TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "Tells the weather.", "parameters": {
        "type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "where"}, "days": {"type": "integer", "description": "how many"}}}}}]


def as_null(messages):
    return [{**m, "content": m["content"] or None} for m in messages]


def as_text(messages):
    messages = json.loads(json.dumps(messages))
    for message in messages:
        for c in message.get("tool_calls", []):
            c["function"]["arguments"] = json.dumps(c["function"]["arguments"])
    return messages


def rendered(model, source, messages):
    variables = {"messages": messages, "tools": TOOLS, "bos_token": model["bos"], "eos_token": model["eos"],
                 "add_generation_prompt": False}
    return render(source, variables).get("text", "")


def header_of(model, source):
    """The last mark or line of what the template writes to open an answer."""
    if model["file"] in HEADER:
        return HEADER[model["file"]]
    question = [{"role": "user", "content": "q"}]
    texts = [render(source, {"messages": question, "bos_token": model["bos"], "eos_token": model["eos"],
                             "add_generation_prompt": g}).get("text", "") for g in (False, True)]
    return re.sub(r"<think>\n?(</think>)?$", "", texts[1][len(texts[0]):])


def calls_text(model, source, n_calls):
    """Of the turn that calls, or None when the template does not show it."""
    header, end = header_of(model, source), END.get(model["file"], model["end"])
    for messages in (chat(n_calls), as_null(chat(n_calls)), as_text(chat(n_calls))):
        text = rendered(model, source, messages)
        last = ["Quito", "Perth"][n_calls - 1]
        at = text.find(last)
        if at < 0 or "{'city'" in text or '{\\"city\\"' in text:
            continue
        begin = text.rindex(header, 0, text.find("Quito")) + len(header)
        return text[begin:text.index(end, at) + len(end)]
    return None


def main():
    models = json.loads((PUBLISHED / "models.json").read_text())
    out = {"tools": TOOLS, "one": chat(1), "two": chat(2), "learned": {}}
    for model in models:
        source = (PUBLISHED / model["file"]).read_text()
        out["learned"][model["file"]] = [calls_text(model, source, n) for n in (1, 2)]
    (pathlib.Path(sys.argv[1]) / "tool_calls.json").write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


main()
