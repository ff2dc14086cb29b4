#include "data/tool_calls.h"

#include <algorithm>

#include "data/json_lines.h"
#include "text/chat_template.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

// Of {"type": "function", "function": {"name": …, "arguments": …}} the inner object, which may stand alone.
template <typename Json>
Json& function_of(Json& call) {
  const auto function = call.find("function");
  return function != call.end() && function->is_object() ? *function : call;
}

template <typename Visit>
void for_each_arguments(ordered_json& messages, Visit visit) {
  for (ordered_json& message : messages) {
    if (!calls_tools(message)) continue;
    for (ordered_json& call : message["tool_calls"]) {
      if (!call.is_object()) continue;
      ordered_json& function = function_of(call);
      if (const auto arguments = function.find("arguments"); arguments != function.end()) visit(*arguments);
    }
  }
}

// As json.dumps() writes it.
std::string json_text(const ordered_json& value) {
  static const ChatTemplate kWriter("{{ value | tojson }}", "", "");
  const RenderOptions options{.tools = {}, .extra = ordered_json::object({{"value", value}})};
  return kWriter.render(ordered_json::array(), options).text;
}

// Of messages that only call.
ordered_json with_content(ordered_json messages, const ordered_json& content) {
  for (ordered_json& message : messages) {
    if (!calls_tools(message)) continue;
    const ordered_json given = message.value("content", ordered_json());
    if (given.is_null() || given == "") message["content"] = content;
  }
  return messages;
}

// The first key of arguments, or "".
std::string first_key(const ordered_json& arguments) {
  const ordered_json read = arguments.is_string()
                                ? parse_json_text(arguments.get_ref<const std::string&>(), "arguments")
                                : arguments;
  return read.is_object() && !read.empty() ? read.begin().key() : "";
}

}  // namespace

bool calls_tools(const ordered_json& message) {
  if (!message.is_object() || message.value("role", ordered_json()) != "assistant") return false;
  const auto calls = message.find("tool_calls");
  return calls != message.end() && calls->is_array() && !calls->empty();
}

std::vector<ordered_json> tool_call_forms(const ordered_json& messages, const std::string& where) {
  if (std::none_of(messages.begin(), messages.end(), calls_tools)) return {messages};
  ordered_json objects = messages, texts = messages;
  for_each_arguments(objects, [&](ordered_json& arguments) {
    if (!arguments.is_string()) return;
    ordered_json read = parse_json_text(arguments.get_ref<const std::string&>(), where + ": arguments");
    if (read.is_object()) arguments = std::move(read);
  });
  for_each_arguments(texts, [](ordered_json& arguments) {
    if (arguments.is_object()) arguments = json_text(arguments);
  });
  return {with_content(objects, ""), with_content(objects, nullptr), with_content(texts, ""),
          with_content(texts, nullptr)};
}

bool shows_calls(std::string_view text, const ordered_json& message) {
  size_t at = 0;  // names stand one behind another: some templates show the first call alone
  for (const ordered_json& call : message["tool_calls"]) {
    if (!call.is_object()) return false;
    const ordered_json& function = function_of(call);
    const ordered_json name = function.value("name", ordered_json());
    if (!name.is_string() || name == "") return false;
    at = text.find(name.get_ref<const std::string&>(), at);
    if (at == std::string_view::npos) return false;
    at += name.get_ref<const std::string&>().size();
    const auto arguments = function.find("arguments");
    const std::string key = arguments == function.end() ? "" : first_key(*arguments);
    if (key.empty()) continue;
    for (const std::string& wrong : {"{'" + key + "'", "{\\\"" + key + "\\\""})
      if (text.find(wrong) != std::string_view::npos) return false;
  }
  return true;
}

}  // namespace hone
