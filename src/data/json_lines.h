// Splits a file of JSON records into objects that know their line: JSON Lines, or one array of objects. What
// the records mean is chat_reader.cpp's business.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hone {

struct JsonRecord {
  nlohmann::ordered_json value;
  size_t line = 0;  // 1-based line where the record begins
};

// Throws kInvalidArgument "file:line[:column]: …" for broken JSON, invalid UTF-8, records that are not
// objects, nesting deeper than 64, and files without a record; kNotFound and kIo for the file itself.
std::vector<JsonRecord> read_json_records(const std::filesystem::path& path);

// A string that may hold JSON, as columns of tables do: "discarded" when it does not. Throws kInvalidArgument
// "what: nested over 64 deep".
nlohmann::ordered_json parse_json_text(const std::string& text, const std::string& what);

}  // namespace hone
