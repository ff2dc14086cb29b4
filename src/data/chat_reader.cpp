// Records of four common shapes -> messages with "role" and "content". Splitting the file into records is
// json_lines.cpp; rendering and tokens are encode.cpp.
#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "data/chat_record.h"
#include "data/dataset.h"
#include "data/json_lines.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

// A ShareGPT turn whose value is a call of tools, as JSON.
constexpr std::string_view kFunctionCall = "function_call";

// What other tools call the roles that chat templates know.
struct RoleName {
  std::string_view given, role;
};
constexpr auto kRoles = std::to_array<RoleName>({
    {"system", "system"},
    {"user", "user"},
    {"assistant", "assistant"},
    {"tool", "tool"},
    {"developer", "developer"},
    {"function", "function"},
});
constexpr auto kShareGptRoles = std::to_array<RoleName>({
    {"human", "user"},
    {"user", "user"},
    {"gpt", "assistant"},
    {"assistant", "assistant"},
    {"chatgpt", "assistant"},
    {"bing", "assistant"},
    {"bard", "assistant"},
    {"model", "assistant"},
    {"system", "system"},
    {"tool", "tool"},
    {"observation", "tool"},
    {"function", "function"},
    {kFunctionCall, "assistant"},
});

std::string_view known_role(std::span<const RoleName> roles, const ordered_json& value,
                            const std::string& where, std::string_view key) {
  if (!value.is_string())
    fail(ErrorCode::kInvalidArgument, "{}: \"{}\": got {}, expected a string", where, key, value.type_name());
  const std::string& given = value.get_ref<const std::string&>();
  for (const RoleName& row : roles)
    if (row.given == given) return row.role;
  std::string known;
  for (const RoleName& row : roles) known += (known.empty() ? "" : ", ") + std::string(row.given);
  fail(ErrorCode::kInvalidArgument, "{}: unknown role: got \"{}\", expected one of {}", where, given, known);
}

const ordered_json& required(const ordered_json& object, const char* key, const std::string& where) {
  const auto it = object.find(key);
  if (it == object.end()) fail(ErrorCode::kInvalidArgument, "{}: missing \"{}\"", where, key);
  return *it;
}

std::string text_of(const ordered_json& object, const char* key, const std::string& where) {
  const ordered_json& value = required(object, key, where);
  if (!value.is_string())
    fail(ErrorCode::kInvalidArgument, "{}: \"{}\": got {}, expected a string", where, key, value.type_name());
  return value.get<std::string>();
}

// A string, or a list of {"type": "text", "text": …} parts, joined.
std::string content_of(const ordered_json& message, const std::string& where) {
  const auto it = message.find("content");
  const bool calls =
      message.contains("tool_calls") && message["tool_calls"].is_array() && !message["tool_calls"].empty();
  if (calls && (it == message.end() || it->is_null())) return "";
  if (it == message.end()) fail(ErrorCode::kInvalidArgument, "{}: missing \"content\"", where);
  if (it->is_string()) return it->get<std::string>();
  if (!it->is_array())
    fail(ErrorCode::kInvalidArgument, "{}: \"content\": got {}, expected a string", where, it->type_name());
  std::string text;
  for (const ordered_json& part : *it) {
    const bool is_text = part.is_object() && part.contains("text") && part["text"].is_string() &&
                         (!part.contains("type") || part["type"] == "text");
    if (!is_text)
      fail(ErrorCode::kInvalidArgument, "{}: \"content\": a part that is not text; only text can be used",
           where);
    text += part["text"].get_ref<const std::string&>();
  }
  return text;
}

ordered_json make_message(std::string_view role, std::string content) {
  return {{"role", std::string(role)}, {"content", std::move(content)}};
}

void append_messages(const ordered_json& list, const std::string& where, const char* key, ordered_json& out) {
  if (!list.is_array())
    fail(ErrorCode::kInvalidArgument, "{}: \"{}\": got {}, expected a list of messages", where, key,
         list.type_name());
  for (const ordered_json& given : list) {
    const std::string here = fmt::format("{}: message {}", where, out.size() + 1);
    if (!given.is_object())
      fail(ErrorCode::kInvalidArgument, "{}: got {}, expected an object with \"role\" and \"content\"", here,
           given.type_name());
    ordered_json message = given;  // further keys (name, tool_calls, …) are for the template
    message["role"] = std::string(known_role(kRoles, required(given, "role", here), here, "role"));
    message["content"] = content_of(given, here);
    out.push_back(std::move(message));
  }
}

ordered_json from_messages(const ordered_json& record, const std::string& where) {
  ordered_json out = ordered_json::array();
  append_messages(record["messages"], where, "messages", out);
  return out;
}

ordered_json from_prompt(const ordered_json& record, const std::string& where) {
  ordered_json out = ordered_json::array();
  if (record["prompt"].is_array()) {
    append_messages(record["prompt"], where, "prompt", out);
    append_messages(required(record, "completion", where), where, "completion", out);
    return out;
  }
  out.push_back(make_message("user", text_of(record, "prompt", where)));
  out.push_back(make_message("assistant", text_of(record, "completion", where)));
  return out;
}

// The system message that stands beside the turns.
void append_system(const ordered_json& record, ordered_json& out) {
  if (record.contains("system") && record["system"].is_string() && record["system"] != "")
    out.push_back(make_message("system", record["system"].get<std::string>()));
}

ordered_json from_instruction(const ordered_json& record, const std::string& where) {
  ordered_json out = ordered_json::array();
  std::string question = text_of(record, "instruction", where);
  if (record.contains("input") && !record["input"].is_null()) {
    const std::string input = text_of(record, "input", where);
    if (!input.empty()) question += "\n\n" + input;
  }
  append_system(record, out);
  out.push_back(make_message("user", std::move(question)));
  out.push_back(make_message("assistant", text_of(record, "output", where)));
  return out;
}

// {"name": …, "arguments": …} or a list of these, as a message.
ordered_json calling_message(const std::string& value, const std::string& where) {
  ordered_json calls = parse_json_text(value, where);
  if (calls.is_object()) calls = ordered_json::array({std::move(calls)});
  const bool good = calls.is_array() && !calls.empty() &&
                    std::all_of(calls.begin(), calls.end(), [](const ordered_json& call) {
                      return call.is_object() && call.contains("name");
                    });
  if (!good)
    fail(ErrorCode::kInvalidArgument,
         "{}: {}: expected JSON like {{\"name\": …, \"arguments\": …}} or a list of these", where,
         kFunctionCall);
  ordered_json message = make_message("assistant", "");
  for (ordered_json& call : calls)
    message["tool_calls"].push_back({{"type", "function"}, {"function", std::move(call)}});
  return message;
}

ordered_json from_conversations(const ordered_json& record, const std::string& where) {
  const ordered_json& list = record["conversations"];
  ordered_json out = ordered_json::array();
  if (list.is_array() && !list.empty() && list[0].is_object() && list[0].contains("role")) {
    append_messages(list, where, "conversations", out);
    return out;
  }
  if (!list.is_array())
    fail(ErrorCode::kInvalidArgument, "{}: \"conversations\": got {}, expected a list", where,
         list.type_name());
  const bool has_own =
      !list.empty() && list[0].is_object() && list[0].value("from", ordered_json()) == "system";
  if (!has_own) append_system(record, out);
  for (size_t i = 0; i < list.size(); ++i) {
    const ordered_json& turn = list[i];
    const std::string here = fmt::format("{}: message {}", where, i + 1);
    if (!turn.is_object())
      fail(ErrorCode::kInvalidArgument, "{}: got {}, expected an object with \"from\" and \"value\"", here,
           turn.type_name());
    const std::string_view role = known_role(kShareGptRoles, required(turn, "from", here), here, "from");
    std::string value = text_of(turn, "value", here);
    out.push_back(turn["from"] == kFunctionCall ? calling_message(value, here)
                                                : make_message(role, std::move(value)));
  }
  return out;
}

// The shapes a record may have: the key that tells, one that belongs to it, and the reader.
struct Shape {
  const char* key;
  const char* other;
  ordered_json (*read)(const ordered_json& record, const std::string& where);
};
constexpr auto kShapes = std::to_array<Shape>({
    {"messages", "messages", from_messages},
    {"conversations", "conversations", from_conversations},
    {"prompt", "completion", from_prompt},
    {"instruction", "output", from_instruction},
});

}  // namespace

bool is_chat(const ordered_json& record) {
  return std::any_of(kShapes.begin(), kShapes.end(), [&](const Shape& row) {
    return record.contains(row.key) && record.contains(row.other);
  });
}

ordered_json chat_messages(const ordered_json& record, const std::string& where) {
  const auto shape = std::find_if(kShapes.begin(), kShapes.end(),
                                  [&](const Shape& row) { return record.contains(row.key); });
  if (shape == kShapes.end()) {
    std::string keys;
    for (const auto& item : record.items()) keys += (keys.empty() ? "" : ", ") + item.key();
    constexpr size_t kLongest = 120;
    if (keys.size() > kLongest) keys = keys.substr(0, kLongest) + "…";
    fail(ErrorCode::kInvalidArgument,
         "{}: keys: got {{{}}}, expected \"messages\", \"prompt\" and \"completion\", \"instruction\" and "
         "\"output\", or \"conversations\"",
         where, keys);
  }
  ordered_json messages = shape->read(record, where);
  if (messages.empty()) fail(ErrorCode::kInvalidArgument, "{}: \"{}\": the list is empty", where, shape->key);
  return messages;
}

namespace {

// A list, or a list written as a string, as tables of data have it.
ordered_json tools_of(const ordered_json& record, const std::string& where) {
  const auto tools = record.find("tools");
  if (tools == record.end() || tools->is_null()) return nullptr;
  ordered_json list = *tools;
  if (list.is_string()) list = parse_json_text(tools->get_ref<const std::string&>(), where + ": \"tools\"");
  if (!list.is_array())
    fail(ErrorCode::kInvalidArgument, "{}: \"tools\": got {}, expected a list", where, tools->type_name());
  return list.empty() ? ordered_json(nullptr) : list;
}

}  // namespace

std::vector<ChatRecord> read_chats(const std::filesystem::path& path) {
  std::vector<ChatRecord> chats;
  for (const JsonRecord& record : read_json_records(path)) {
    const std::string where = fmt::format("{}:{}", path.string(), record.line);
    ChatRecord& chat = chats.emplace_back();
    chat.messages = chat_messages(record.value, where);
    chat.line = record.line;
    chat.tools = tools_of(record.value, where);
    const bool has_messages = record.value.contains("messages") || record.value.contains("conversations");
    if (const auto prompt = record.value.find("prompt");
        !has_messages && prompt != record.value.end() && prompt->is_array())
      chat.n_given = prompt->size();
  }
  return chats;
}

}  // namespace hone
