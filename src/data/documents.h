// Files as texts, for comparing what two of them share: chats in any of their shapes, rows of a task, plain
// text.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hone {

struct Document {
  std::vector<std::string> parts;  // messages; or a row's texts; or a line
  size_t line = 0;                 // 1-based, in the file
};
// JSON Lines (or one array) where the name ends in .jsonl or .json: a chat's messages, or all texts of
// another record, in order; any other file: its lines but the empty ones. Throws what read_json_records() and
// read_file() throw, kInvalidArgument for files without text.
std::vector<Document> read_documents(const std::filesystem::path& path);

}  // namespace hone
