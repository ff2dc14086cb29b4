// A hand-made scan finds where records begin (so that errors and samples can name their line); the JSON
// itself is parsed by nlohmann.
#include "data/json_lines.h"

#include <algorithm>
#include <string_view>

#include "base/atomic_file.h"
#include "base/error.h"
#include "runtime/utf8.h"

namespace hone {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMaxDepth = 64;

struct Place {
  std::string file;
  size_t line = 0;  // of the text's first byte
};

// Line and column (both 1-based, column in bytes) of a byte offset.
std::string position(const Place& place, std::string_view text, size_t offset) {
  offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, offset);
  const size_t line = place.line + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? offset + 1 : offset - newline;
  return fmt::format("{}:{}:{}", place.file, line, column);
}

// Calls visit(offset, depth, c) for every structural '{', '[', '}', ']' and ',' outside strings; depth is the
// one that holds inside the bracket.
template <typename Visit>
void scan_structure(std::string_view text, Visit visit) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      visit(i, ++depth, c);
    } else if (c == '}' || c == ']') {
      visit(i, depth, c);
      if (depth > 0) --depth;
    } else if (c == ',') {
      visit(i, depth, c);
    }
  }
}

// "… parse error at line 1, column 5: syntax error while parsing value - invalid literal; last read: 'x'" ->
// what follows the position, in printable characters only.
std::string parser_message(const char* what) {
  std::string_view message = what;
  const size_t syntax = message.find("syntax error");
  if (syntax != std::string_view::npos) message.remove_prefix(syntax);
  std::string out;
  for (const char c : message) out += c >= 0x20 && c < 0x7f ? c : '?';
  constexpr size_t kLongest = 160;
  if (out.size() > kLongest) out = out.substr(0, kLongest) + "…";
  return out;
}

ordered_json parse(const Place& place, std::string_view text) {
  const size_t bad = invalid_utf8_at(text);
  if (bad != std::string_view::npos)
    fail(ErrorCode::kInvalidArgument,
         "{}: text: got byte 0x{:02x}, which is not UTF-8; save the file as UTF-8",
         position(place, text, bad), static_cast<unsigned char>(text[bad]));
  scan_structure(text, [&](size_t offset, size_t depth, char) {
    if (depth > kMaxDepth)
      fail(ErrorCode::kInvalidArgument, "{}: JSON: nested deeper than {} levels",
           position(place, text, offset), kMaxDepth);
  });
  try {
    return ordered_json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    fail(ErrorCode::kInvalidArgument, "{}: broken JSON: {}",
         position(place, text, error.byte > 0 ? error.byte - 1 : 0), parser_message(error.what()));
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::kInvalidArgument, "{}: broken JSON: {}", position(place, text, 0),
         parser_message(error.what()));
  }
}

void require_object(const std::string& file, const JsonRecord& record) {
  if (!record.value.is_object())
    fail(ErrorCode::kInvalidArgument, "{}:{}: record: got {}, expected a JSON object", file, record.line,
         record.value.type_name());
}

std::vector<JsonRecord> read_lines(const std::string& file, std::string_view text) {
  std::vector<JsonRecord> records;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    records.push_back({parse({file, number}, line), number});
    require_object(file, records.back());
  }
  return records;
}

std::vector<JsonRecord> read_array(const std::string& file, std::string_view text) {
  ordered_json all = parse({file, 1}, text);
  std::vector<size_t> starts;  // offsets right before each element
  scan_structure(text, [&](size_t offset, size_t depth, char c) {
    if (depth == 1 && (c == '[' || c == ',')) starts.push_back(offset + 1);
  });
  std::vector<JsonRecord> records;
  size_t line = 1, counted = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    HONE_CHECK(i < starts.size(), "elements={} starts={}", all.size(), starts.size());
    const size_t begin = text.find_first_not_of(" \t\r\n", starts[i]);
    line += static_cast<size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted),
                                           text.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
    counted = begin;
    records.push_back({std::move(all[i]), line});
    require_object(file, records.back());
  }
  return records;
}

}  // namespace

std::vector<JsonRecord> read_json_records(const std::filesystem::path& path) {
  const std::string file = path.string();
  const std::string content = read_file(path);
  std::string_view text = content;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    fail(ErrorCode::kInvalidArgument, "{}:1: the file is empty; expected one JSON object per line", file);
  std::vector<JsonRecord> records = text[first] == '[' ? read_array(file, text) : read_lines(file, text);
  if (records.empty())
    fail(ErrorCode::kInvalidArgument, "{}:1: the array is empty; expected at least one JSON object", file);
  return records;
}

ordered_json parse_json_text(const std::string& text, const std::string& what) {
  const auto check_depth = [&](int depth, ordered_json::parse_event_t, const ordered_json&) {
    if (depth > static_cast<int>(kMaxDepth))
      fail(ErrorCode::kInvalidArgument, "{}: nested over {} deep", what, kMaxDepth);
    return true;
  };
  return ordered_json::parse(text, check_depth, false);
}

}  // namespace hone
