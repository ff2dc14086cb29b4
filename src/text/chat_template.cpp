// JSON conversations in, text and the places of the assistant's words out. The interpreter is jinja_interp.h.
#include "text/chat_template.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "text/jinja_ast.h"
#include "text/jinja_interp.h"

namespace hone {

using nlohmann::ordered_json;

struct ChatTemplate::Impl {
  std::string source, bos_token, eos_token;
  Variables variables;
  jinja::Block block;
};

namespace {

using jinja::Budget;
using jinja::Value;

constexpr int kMaxJsonDepth = 64;

Value convert(const ordered_json& json, Budget& budget, int depth = 0) {
  if (depth > kMaxJsonDepth)
    fail(ErrorCode::kInvalidArgument, "chat template: messages: nested deeper than {} levels", kMaxJsonDepth);
  switch (json.type()) {
    case ordered_json::value_t::string:
      return Value(json.get_ref<const std::string&>());
    case ordered_json::value_t::boolean:
      return json.get<bool>();
    case ordered_json::value_t::number_integer:
      return json.get<int64_t>();
    case ordered_json::value_t::number_float:
      return json.get<double>();
    case ordered_json::value_t::number_unsigned: {
      const auto n = json.get<uint64_t>();
      if (n > INT64_MAX)
        fail(ErrorCode::kInvalidArgument, "chat template: messages: {} does not fit in 64 bits", n);
      return static_cast<int64_t>(n);
    }
    case ordered_json::value_t::array: {
      std::vector<Value> items;
      for (const auto& item : json) items.push_back(convert(item, budget, depth + 1));
      return jinja::make_seq(budget, std::move(items));
    }
    case ordered_json::value_t::object: {
      std::vector<std::pair<Value, Value>> items;
      for (const auto& [key, value] : json.items())
        items.emplace_back(Value(key), convert(value, budget, depth + 1));
      return jinja::make_dict(budget, std::move(items));
    }
    case ordered_json::value_t::null:
    case ordered_json::value_t::binary:
    case ordered_json::value_t::discarded:
      break;
  }
  return jinja::None{};
}

Value marked_string(const ordered_json& json, size_t message) {
  const auto& text = json.get_ref<const std::string&>();
  jinja::Str out{text, {}};
  if (!text.empty()) out.origins.push_back({0, text.size(), message});
  return jinja::StrPtr(std::make_shared<const jinja::Str>(std::move(out)));
}

// An assistant message's content: the string, or the texts of its parts.
Value marked_content(const ordered_json& content, size_t message, Budget& budget) {
  if (content.is_string()) return marked_string(content, message);
  if (!content.is_array()) return convert(content, budget);
  std::vector<Value> parts;
  for (const auto& part : content) {
    if (part.is_string()) {
      parts.push_back(marked_string(part, message));
    } else if (part.is_object()) {
      std::vector<std::pair<Value, Value>> items;
      for (const auto& [key, value] : part.items())
        items.emplace_back(Value(key), key == "text" && value.is_string() ? marked_string(value, message)
                                                                          : convert(value, budget));
      parts.push_back(jinja::make_dict(budget, std::move(items)));
    } else {
      parts.push_back(convert(part, budget));
    }
  }
  return jinja::make_seq(budget, std::move(parts));
}

Value convert_messages(const ordered_json& messages, Budget& budget) {
  if (!messages.is_array())
    fail(ErrorCode::kInvalidArgument, "chat template: messages: got {}, expected an array",
         messages.type_name());
  std::vector<Value> out;
  for (size_t i = 0; i < messages.size(); ++i) {
    const ordered_json& message = messages[i];
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string())
      fail(ErrorCode::kInvalidArgument,
           "chat template: message {}: expected an object with a string \"role\"", i);
    const bool assistant = message["role"].get_ref<const std::string&>() == "assistant";
    std::vector<std::pair<Value, Value>> items;
    for (const auto& [key, value] : message.items())
      items.emplace_back(Value(key), assistant && key == "content" ? marked_content(value, i, budget)
                                                                   : convert(value, budget));
    out.push_back(jinja::make_dict(budget, std::move(items)));
  }
  return jinja::make_seq(budget, std::move(out));
}

constexpr std::string_view kSpace = " \t\r\n";

bool is_space(char c) {
  return kSpace.find(c) != std::string_view::npos;
}

// Where content begins in text when it ends there at `end`, white space aside; npos when it does not end
// there.
size_t begin_of(std::string_view content, std::string_view text, size_t end) {
  for (size_t i = content.size(); i > 0; --i) {
    if (is_space(content[i - 1])) continue;
    while (end > 0 && is_space(text[end - 1])) --end;
    if (end == 0 || text[end - 1] != content[i - 1]) return std::string_view::npos;
    --end;
  }
  return end;
}

using Spans = std::vector<RenderedChat::Span>;

// The spans of one message, as one when the content stands whole where they are, behind `floor`.
Spans joined(Spans spans, std::string_view text, std::string_view content, size_t floor) {
  size_t end = spans.back().end;
  while (end > spans.back().begin && is_space(text[end - 1])) --end;
  const size_t begin = begin_of(content, text, end);
  if (begin > spans.front().begin || begin < floor || begin == end) return spans;
  return {{.begin = begin, .end = spans.back().end, .message = spans.front().message}};
}

// Templates of thinking models take an answer apart and put their own marks and white space between the
// parts. An answer that stands whole in the text all the same is one span: its marks are words of the
// assistant too.
void join_parts(const ordered_json& messages, RenderedChat& chat) {
  Spans out;
  for (auto first = chat.assistant.begin(), last = first; first != chat.assistant.end(); first = last) {
    const ordered_json& message = messages[first->message];
    last = std::find_if(first, chat.assistant.end(),
                        [&](const RenderedChat::Span& span) { return span.message != first->message; });
    Spans spans(first, last);
    if (const auto content = message.find("content"); content != message.end() && content->is_string())
      spans = joined(std::move(spans), chat.text, content->get_ref<const std::string&>(),
                     out.empty() ? 0 : out.back().end);
    out.insert(out.end(), spans.begin(), spans.end());
  }
  chat.assistant = std::move(out);
}

}  // namespace

ChatTemplate::ChatTemplate(std::string source, std::string bos_token, std::string eos_token,
                           Variables variables)
    : impl_(std::make_unique<Impl>()) {
  impl_->block = jinja::parse_template(source);
  impl_->source = std::move(source);
  impl_->bos_token = std::move(bos_token);
  impl_->eos_token = std::move(eos_token);
  impl_->variables = std::move(variables);
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

const std::string& ChatTemplate::source() const noexcept {
  return impl_->source;
}

RenderedChat ChatTemplate::render(const ordered_json& messages, const RenderOptions& options) const {
  Budget input;  // bounds the conversion; the rendering has its own
  std::vector<std::pair<Value, Value>> context;
  const auto put = [&](std::string name, Value value) {
    for (auto& [key, old] : context)
      if (key.text() == name) {
        old = std::move(value);
        return;
      }
    context.emplace_back(Value(std::move(name)), std::move(value));
  };
  put("messages", convert_messages(messages, input));
  put("tools", convert(options.tools, input));
  put("documents", jinja::None{});
  put("add_generation_prompt", options.add_generation_prompt);
  put("bos_token", Value(impl_->bos_token));
  put("eos_token", Value(impl_->eos_token));
  for (const auto& [name, value] : impl_->variables) put(name, Value(value));
  if (!options.extra.is_null()) {
    if (!options.extra.is_object())
      fail(ErrorCode::kInvalidArgument, "chat template: extra variables: got {}, expected an object",
           options.extra.type_name());
    for (const auto& [key, value] : options.extra.items()) put(key, convert(value, input));
  }
  jinja::Interpreter interpreter(jinja::make_dict(input, std::move(context)));
  jinja::Str out = interpreter.run(impl_->block);
  RenderedChat chat;
  for (const jinja::Origin& o : out.origins) chat.assistant.push_back({o.begin, o.end, o.message});
  chat.text = std::move(out.text);
  join_parts(messages, chat);
  return chat;
}

}  // namespace hone
