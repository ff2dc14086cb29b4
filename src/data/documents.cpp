#include "data/documents.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/chat_record.h"
#include "data/json_lines.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

void add_texts(const ordered_json& value, std::vector<std::string>& parts) {
  if (value.is_string()) parts.push_back(value.get<std::string>());
  if (value.is_structured())
    for (const ordered_json& item : value) add_texts(item, parts);
}

Document document_of(const JsonRecord& record, const std::string& file) {
  Document out{.parts = {}, .line = record.line};
  if (!is_chat(record.value)) {
    add_texts(record.value, out.parts);
    return out;
  }
  for (const ordered_json& message : chat_messages(record.value, fmt::format("{}:{}", file, record.line))) {
    // Instructions that all chats share are no answers that were seen before.
    const std::string role = message.at("role").get<std::string>();
    if (role != "system" && role != "developer") add_texts(message.at("content"), out.parts);
  }
  return out;
}

bool is_named_json(const std::filesystem::path& path) {
  const std::filesystem::path extension = path.extension();
  return extension == ".jsonl" || extension == ".json" || extension == ".ndjson";
}

bool begins_with_record(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos || text[begin] != '{') return false;
  return ordered_json::accept(text.substr(begin, text.find('\n', begin) - begin));
}

std::vector<Document> lines_of(const std::string& text) {
  std::vector<Document> out;
  size_t line = 1;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (text.find_first_not_of(" \t\r", begin) < end)
      out.push_back({.parts = {text.substr(begin, end - begin)}, .line = line});
    begin = end + 1;
  }
  return out;
}

}  // namespace

std::vector<Document> read_documents(const std::filesystem::path& path) {
  std::vector<Document> out;
  const std::string text = is_named_json(path) ? std::string() : read_file(path);
  if (is_named_json(path) || begins_with_record(text))
    for (const JsonRecord& record : read_json_records(path))
      out.push_back(document_of(record, path.string()));
  else
    out = lines_of(text);
  if (out.empty())
    fail(ErrorCode::kInvalidArgument, "{}: got a file without text, expected at least one line",
         path.string());
  return out;
}

}  // namespace hone
