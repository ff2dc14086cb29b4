// Renderings against what Jinja2 made of the same templates and messages (tests/golden/text/templates/),
// where the assistant's words end up, and what hostile templates run into.
#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "base/error.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

const std::string kFolder = HONE_TEST_DATA "/golden/text/templates/";

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

ordered_json golden(const std::string& name) {
  return ordered_json::parse(read(kFolder + name));
}

RenderOptions options_of(const ordered_json& o) {
  RenderOptions out;
  out.add_generation_prompt = o.value("add_generation_prompt", false);
  if (o.contains("tools")) out.tools = o["tools"];
  if (o.contains("extra")) out.extra = o["extra"];
  return out;
}

// The text, or what the error says.
std::string outcome(const std::string& source, const ordered_json& messages, const RenderOptions& options,
                    bool& failed, const std::string& bos = "<s>", const std::string& eos = "</s>") {
  failed = false;
  try {
    return ChatTemplate(source, bos, eos).render(messages, options).text;
  } catch (const Error& e) {
    failed = true;
    return e.what();
  }
}

std::string render_empty(const std::string& source) {
  return ChatTemplate(source, "", "").render(ordered_json::array()).text;
}

TEST(ChatTemplate, RendersAsJinja) {
  size_t texts = 0;
  for (const auto& c : golden("chats.json")) {
    bool failed = false;
    const std::string got = outcome(read(kFolder + c["template"].get<std::string>()), c["messages"],
                                    options_of(c["options"]), failed);
    const std::string what = c["template"].get<std::string>() + " " + c["conversation"].get<std::string>();
    EXPECT_EQ(failed, c.contains("error")) << what << ": " << got << " / " << c.value("error", "");
    if (!failed && c.contains("text")) {
      EXPECT_EQ(got, c["text"].get<std::string>()) << what;
    }
    texts += c.contains("text");
  }
  EXPECT_GE(texts, 60u);
}

// strftime_now at the moment that the goldens were made for.
class PinnedTime {
 public:
  PinnedTime() { ::setenv("SOURCE_DATE_EPOCH", "1721952000", 1); }  // 26 July 2024
  ~PinnedTime() { ::unsetenv("SOURCE_DATE_EPOCH"); }
};

TEST(ChatTemplate, RendersPublishedTemplatesAsJinja) {
  const PinnedTime pinned;
  const ordered_json all = golden("published.json"), models = golden("published/models.json");
  std::map<std::string, ordered_json> tokens;
  for (const auto& model : models) tokens[model["file"].get<std::string>()] = model;
  EXPECT_GE(tokens.size(), 30u);
  size_t texts = 0, errors = 0;
  for (const auto& c : all["cases"]) {
    const auto file = c["template"].get<std::string>(), name = c["conversation"].get<std::string>();
    const ordered_json& conversation = all["conversations"][name];
    bool failed = false;
    const std::string got = outcome(
        read(kFolder + "published/" + file), conversation["messages"], options_of(conversation["options"]),
        failed, tokens[file]["bos"].get<std::string>(), tokens[file]["eos"].get<std::string>());
    EXPECT_EQ(failed, c.contains("error"))
        << file << " " << name << ": " << got << " / " << c.value("error", "");
    if (!failed && c.contains("text")) {
      EXPECT_EQ(got, c["text"].get<std::string>()) << file << " " << name;
    }
    // What the template says when it refuses messages is passed on.
    const std::string refusal = "TemplateError: ";
    if (const std::string error = c.value("error", ""); error.starts_with(refusal)) {
      EXPECT_NE(got.find(error.substr(refusal.size())), std::string::npos)
          << file << " " << name << ": " << got;
    }
    texts += c.contains("text");
    errors += failed;
  }
  EXPECT_GE(texts, 900u);
  EXPECT_GE(errors, 100u);
}

TEST(ChatTemplate, TimeIsPinnedBySourceDateEpoch) {
  const PinnedTime pinned;
  EXPECT_EQ(render_empty("{{ strftime_now('%d %b %Y %H:%M') }}"), "26 Jul 2024 00:00");
  ::setenv("SOURCE_DATE_EPOCH", "yesterday", 1);
  EXPECT_THROW(render_empty("{{ strftime_now('%Y') }}"), Error);
}

TEST(ChatTemplate, SnippetsGiveWhatPythonGives) {
  const ordered_json all = golden("snippets.json");
  RenderOptions options;
  options.extra = all["variables"];
  EXPECT_GE(all["cases"].size(), 190u);
  for (const auto& c : all["cases"]) {
    bool failed = false;
    const auto source = c["source"].get<std::string>();
    const std::string got = outcome(source, ordered_json::array(), options, failed);
    EXPECT_EQ(failed, c.contains("error"))
        << source << "\n  got: " << got << "\n  python: " << c.value("error", c.value("text", ""));
    if (!failed && c.contains("text")) {
      EXPECT_EQ(got, c["text"].get<std::string>()) << source;
    }
  }
}

std::string_view trimmed(std::string_view s) {
  const auto from = s.find_first_not_of(" \n\t\r");
  if (from == std::string_view::npos) return {};
  return s.substr(from, s.find_last_not_of(" \n\t\r") - from + 1);
}

// Every span is a piece of its message's content, and together they cover the content but for trimmed space
// and what templates of thinking models cut off.
TEST(ChatTemplate, SpansAreTheAssistantsWords) {
  size_t spans = 0;
  for (const auto& c : golden("chats.json")) {
    if (c.contains("error") || c["conversation"] == "parts") continue;
    const ChatTemplate chat(read(kFolder + c["template"].get<std::string>()), "<s>", "</s>");
    const RenderedChat out = chat.render(c["messages"], options_of(c["options"]));
    const std::string what = c["template"].get<std::string>() + " " + c["conversation"].get<std::string>();
    std::map<size_t, std::string> seen;
    size_t last = 0;
    for (const auto& span : out.assistant) {
      ASSERT_LE(last, span.begin) << what;
      ASSERT_LT(span.begin, span.end) << what;
      ASSERT_LE(span.end, out.text.size()) << what;
      last = span.end;
      EXPECT_EQ(c["messages"][span.message]["role"], "assistant") << what;
      seen[span.message] += out.text.substr(span.begin, span.end - span.begin);
      ++spans;
    }
    for (size_t i = 0; i < c["messages"].size(); ++i) {
      const auto& m = c["messages"][i];
      if (m["role"] != "assistant" || !m["content"].is_string() || c["conversation"] == "thinking") continue;
      if (trimmed(m["content"].get_ref<const std::string&>()).empty()) continue;
      EXPECT_EQ(trimmed(seen[i]), trimmed(m["content"].get_ref<const std::string&>()))
          << what << " message " << i;
    }
  }
  EXPECT_GE(spans, 50u);
}

std::string spans_text(const std::string& source, const std::string& content) {
  const ordered_json messages = {{{"role", "user"}, {"content", content}},
                                 {{"role", "assistant"}, {"content", content}}};
  const RenderedChat out = ChatTemplate(source, "", "").render(messages);
  std::string text;
  for (const auto& s : out.assistant) text += "[" + out.text.substr(s.begin, s.end - s.begin) + "]";
  return text;
}

TEST(ChatTemplate, SpansSurviveStringOperations) {
  const auto of = [](const std::string& expression, const std::string& content) {
    return spans_text("{% set c = messages[1].content %}{{ messages[0].content }}{{ " + expression + " }}",
                      content);
  };
  EXPECT_EQ(of("'<' + c + '>'", "abc"), "[abc]");
  EXPECT_EQ(of("'<' ~ c ~ '>'", "abc"), "[abc]");
  EXPECT_EQ(of("c|trim", "  abc \n"), "[abc]");
  EXPECT_EQ(of("c.strip().upper()", "  äbc \n"), "[ÄBC]");
  EXPECT_EQ(of("c.split('</think>')[-1].lstrip('\\n')", "<think>x</think>\n\nabc"), "[abc]");
  EXPECT_EQ(of("c|replace('b', 'XX')", "abc"), "[a][c]");
  EXPECT_EQ(of("c[1:]", "éabc"), "[abc]");
  EXPECT_EQ(of("['x', c]|join('+')", "abc"), "[abc]");
  EXPECT_EQ(of("'%s!' % c", "abc"), "[abc]");
  EXPECT_EQ(of("'x' + c|string", "abc"), "[abc]");
  EXPECT_EQ(of("c + c", "abc"), "[abcabc]");
  EXPECT_EQ(of("c|tojson", "abc"), "");
  EXPECT_EQ(spans_text("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(messages[1].content) }}", "abc"),
            "[abc]");
  EXPECT_EQ(spans_text("{% set x %}<{{ messages[1].content }}>{% endset %}{{ x }}", "abc"), "[abc]");
  EXPECT_EQ(spans_text("{% generation %}a{{ messages[1].content }}b{% endgeneration %}", "abc"), "[abc]");
}

TEST(ChatTemplate, SpansOfAnswersThatAreTakenApart) {
  const std::string apart =
      "{% set parts = messages[1].content.split('</think>') %}{{ messages[0].content }}|"
      "{{ '<think>' + parts[0].split('<think>')[-1] ~ '</think>' ~ parts[-1] }}";
  EXPECT_EQ(spans_text(apart, "<think>why</think>yes"), "[<think>why</think>yes]");
  EXPECT_EQ(spans_text(apart, " <think>why</think>yes\n"), "[<think>why</think>yes\n]");
  EXPECT_EQ(spans_text(apart, "<think>\nwhy\n</think>\n\n yes"), "[<think>\nwhy\n</think>\n\n yes]");
  EXPECT_EQ(spans_text(apart, "why</think>yes"), "[why</think>yes]");  // <think> is the template's own
  EXPECT_EQ(spans_text(apart, "<think>why</think>no</think>yes"), "[why][yes]");
  const std::string tidied =
      "{% set parts = messages[1].content.split('</think>') %}"
      "{{ '<think>' ~ parts[0].split('<think>')[-1].strip() ~ '</think> ' ~ parts[-1].strip() }}";
  EXPECT_EQ(spans_text(tidied, "<think>\nwhy\n</think>\n\nyes\n"), "[<think>why</think> yes]");
  const std::string cut = "{{ messages[1].content.split('</think>')[-1] }}";
  EXPECT_EQ(spans_text(cut, "<think>why</think>yes"), "[yes]");
}

TEST(ChatTemplate, SpansOfContentParts) {
  const auto messages =
      ordered_json::parse(R"([{"role": "assistant", "content": [{"type": "text", "text": "one"},
                                                 {"type": "text", "text": "two"}]}])");
  const ChatTemplate chat("{% for p in messages[0].content %}{{ p.type }}:{{ p.text }};{% endfor %}", "", "");
  const RenderedChat out = chat.render(messages);
  EXPECT_EQ(out.text, "text:one;text:two;");
  ASSERT_EQ(out.assistant.size(), 2u);
  EXPECT_EQ(out.text.substr(out.assistant[1].begin, 3), "two");
  EXPECT_EQ(out.assistant[1].end - out.assistant[1].begin, 3u);
}

ErrorCode code_of(const std::string& source, std::string* message = nullptr) {
  try {
    render_empty(source);
  } catch (const Error& e) {
    if (message != nullptr) *message = e.what();
    return e.code();
  }
  ADD_FAILURE() << "no error: " << source.substr(0, 100);
  return ErrorCode::kInternal;
}

TEST(ChatTemplate, ErrorsSayWhere) {
  std::string message;
  EXPECT_EQ(code_of("a\n  {% if x %}", &message), ErrorCode::kCorruption);
  EXPECT_NE(message.find("line 2, column 13"), std::string::npos) << message;
  EXPECT_EQ(code_of("{{ 1|nofilter }}"), ErrorCode::kNotSupported);
  EXPECT_EQ(code_of("{% include 'x' %}"), ErrorCode::kNotSupported);
  EXPECT_EQ(code_of("x\n\n{{ raise_exception('roles must alternate') }}", &message),
            ErrorCode::kInvalidArgument);
  EXPECT_NE(message.find("line 3"), std::string::npos) << message;
  EXPECT_NE(message.find("roles must alternate"), std::string::npos) << message;
  EXPECT_THROW(ChatTemplate("", "", "").render(ordered_json::parse(R"([{"content": "no role"}])")), Error);
  EXPECT_THROW(ChatTemplate("", "", "").render(ordered_json::parse(R"({"role": "user"})")), Error);
}

std::string times(size_t n, const std::string& s) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += s;
  return out;
}

TEST(ChatTemplate, HostileTemplatesEndWithErrors) {
  const std::string loop = "{% for i in range(99999) %}";
  const std::string hostile[] = {
      "{{ 'x' * 1000000000000 }}",
      "{{ ('x' * 60000000) * 3 }}",
      loop + loop + "{% endfor %}{% endfor %}",
      loop + "{{ 'x' * 100000 }}{% endfor %}",
      "{% set n = namespace(s='x') %}" + loop + "{% set n.s = n.s ~ n.s %}{% endfor %}",
      "{% set n = namespace(l=[1]) %}" + loop + "{% set n.l = n.l + n.l %}{% endfor %}",
      "{% set n = namespace(l=[1]) %}" + loop + "{% set n.l = [n.l] %}{% endfor %}",
      "{% set n = namespace(l=[1]) %}{% for i in range(90) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}",
      "{% set n = namespace(l=[1], m=[1]) %}{% for i in range(90) %}{% set n.l = [n.l, n.l] %}{% set n.m = "
      "[n.m, n.m] "
      "%}{% endfor %}{{ n.l == n.m }}",
      "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m() %}{{ caller() }}{% endmacro %}{% macro r() %}{% call m() %}{{ r() }}{% endcall %}{% "
      "endmacro %}{{ r() }}",
      "{{ " + times(5000, "(") + "1" + times(5000, ")") + " }}",
      "{{ " + times(5000, "1+") + "1 }}",
      "{{ " + times(5000, "-") + "1 }}",
      "{{ " + times(5000, "not ") + "1 }}",
      "{{ x" + times(5000, "|upper") + " }}",
      times(5000, "{% if 1 %}"),
      "{{ '%99999999999d' % 1 }}",
      "{{ 'x'.center(999999999999) }}",
      "{{ ('a' * 30000000 ~ 'b') in ('a' * 60000000) }}{{ 1 / 0 }}",
      "{{ 9223372036854775807 + 1 }}",
      "{{ range(100001) }}",
      times(2 << 20, "x"),
  };
  for (const std::string& source : hostile) EXPECT_NE(code_of(source), ErrorCode::kInternal);
}

TEST(ChatTemplate, RecursiveMacrosOfUsualDepthWork) {
  EXPECT_EQ(render_empty("{% macro m(n) %}{% if n %}{{ m(n - 1) }}x{% endif %}{% endmacro %}{{ m(60) }}"),
            times(60, "x"));
}

}  // namespace
}  // namespace hone
