#include "io/safetensors_header.h"

#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "io/weight_source.h"

namespace hone::safetensors {

namespace {

// Receives the parser's events. Depth is bounded by the grammar: anything nested deeper than
// {"name": {"shape": [n]}} is refused when it opens.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& where) : where_(where) {}
  Header take() { return std::move(header_); }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a bool"); }
  bool number_integer(number_integer_t value) override { unexpected(fmt::format("{}", value)); }
  bool number_float(number_float_t, const string_t& text) override { unexpected(printable(text)); }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ != State::kNumbers) unexpected(fmt::format("{}", value));
    numbers_->push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (state_ == State::kMetadataValue) {
      header_.metadata[metadata_key_] = value;
      state_ = State::kMetadata;
    } else if (state_ == State::kDtype) {
      header_.entries.back().dtype = value;
      state_ = State::kEntry;
    } else {
      unexpected(printable(value));
    }
    return true;
  }

  bool start_object(size_t) override {
    switch (state_) {
      case State::kStart:
        state_ = State::kTop;
        return true;
      case State::kEntryStart:
        state_ = State::kEntry;
        return true;
      case State::kMetadataStart:
        state_ = State::kMetadata;
        return true;
      case State::kTop:
      case State::kEntry:
      case State::kDtype:
      case State::kArrayStart:
      case State::kNumbers:
      case State::kMetadata:
      case State::kMetadataValue:
      case State::kEnd:
        break;
    }
    unexpected("an object");
  }

  bool key(string_t& value) override {
    if (state_ == State::kTop) {
      if (!names_.insert(value).second) twice(value);
      if (value == kMetadataKey) {
        state_ = State::kMetadataStart;
      } else {
        header_.entries.push_back({value, {}, {}, {}});
        seen_ = {};
        state_ = State::kEntryStart;
      }
    } else if (state_ == State::kMetadata) {
      if (header_.metadata.contains(value)) twice(value);
      metadata_key_ = value;
      state_ = State::kMetadataValue;
    } else {
      entry_key(value);
    }
    return true;
  }

  bool end_object() override {
    if (state_ == State::kEntry) {
      for (size_t i = 0; i < kFields.size(); ++i)
        if (!seen_[i]) corrupt(fmt::format("tensor {}: {} is missing", current(), kFields[i]));
      if (header_.entries.back().offsets.size() != 2)
        corrupt(fmt::format("tensor {}: data_offsets: got {} numbers, expected 2", current(),
                            header_.entries.back().offsets.size()));
    }
    state_ = state_ == State::kTop ? State::kEnd : State::kTop;
    return true;
  }

  bool start_array(size_t) override {
    if (state_ != State::kArrayStart) unexpected("an array");
    state_ = State::kNumbers;
    return true;
  }

  bool end_array() override {
    state_ = State::kEntry;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) override {
    std::string_view reason = error.what();
    const size_t tail = reason.find("syntax error");
    if (tail != std::string_view::npos) reason.remove_prefix(tail);
    corrupt(fmt::format("not valid JSON at byte {}: {}", position + sizeof(uint64_t), printable(reason)));
  }

 private:
  enum class State {
    kStart,
    kTop,
    kEntryStart,
    kEntry,
    kDtype,
    kArrayStart,
    kNumbers,
    kMetadataStart,
    kMetadata,
    kMetadataValue,
    kEnd,
  };
  static constexpr std::array<const char*, 3> kFields = {"dtype", "shape", "data_offsets"};

  void entry_key(const std::string& key) {
    for (size_t i = 0; i < kFields.size(); ++i) {
      if (key != kFields[i]) continue;
      if (std::exchange(seen_[i], true)) twice(key);
      state_ = i == 0 ? State::kDtype : State::kArrayStart;
      numbers_ = i == 1 ? &header_.entries.back().shape : &header_.entries.back().offsets;
      return;
    }
    corrupt(
        fmt::format("tensor {}: got key {}, expected dtype, shape, data_offsets", current(), printable(key)));
  }

  const char* expected() const {
    switch (state_) {
      case State::kStart:
        return "an object of tensors";
      case State::kEntryStart:
        return "an object with dtype, shape, data_offsets";
      case State::kDtype:
        return "a string";
      case State::kArrayStart:
        return "an array of whole numbers from 0";
      case State::kNumbers:
        return "a whole number from 0 below 2^64";
      case State::kMetadataStart:
        return "an object of strings";
      case State::kMetadataValue:
        return "a string";
      case State::kTop:
      case State::kEntry:
      case State::kMetadata:
      case State::kEnd:
        return "a key";
    }
    return "a key";
  }

  std::string current() const {
    return header_.entries.empty() ? "" : printable(header_.entries.back().name);
  }

  std::string place() const {
    if (state_ == State::kStart) return "top level";
    if (state_ == State::kMetadataStart) return "__metadata__";
    if (state_ == State::kMetadataValue) return "__metadata__ key " + printable(metadata_key_);
    return "tensor " + current();
  }

  [[noreturn]] void unexpected(const std::string& got) const {
    corrupt(fmt::format("{}: got {}, expected {}", place(), got, expected()));
  }
  [[noreturn]] void twice(const std::string& key) const {
    corrupt(fmt::format("key {}: got it twice, expected it once", printable(key)));
  }
  [[noreturn]] void corrupt(const std::string& what) const {
    fail(ErrorCode::kCorruption, "{}: header: {}", where_, what);
  }

  const std::string& where_;
  Header header_;
  State state_ = State::kStart;
  std::unordered_set<std::string> names_;
  std::string metadata_key_;
  std::array<bool, 3> seen_{};
  std::vector<uint64_t>* numbers_ = nullptr;
};

}  // namespace

Header parse_header(std::string_view text, const std::string& where) {
  // The format asks for this; it also keeps the parser from skipping a byte order mark.
  if (text.empty() || text.front() != '{')
    fail(ErrorCode::kCorruption, "{}: header at byte 8: got {}, expected {{", where,
         printable(text.substr(0, 1)));
  // The parser takes a zero byte for the end of its input and would skip what follows.
  const size_t zero = text.find('\0');
  if (zero != std::string_view::npos)
    fail(ErrorCode::kCorruption, "{}: header: not valid JSON at byte {}: got a zero byte", where,
         zero + sizeof(uint64_t));
  HeaderReader reader(where);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  return reader.take();
}

uint64_t dtype_bits(std::string_view dtype) noexcept {
  struct Row {
    std::string_view name;
    uint64_t bits;
  };
  static constexpr Row kRows[] = {
      {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"BOOL", 8}, {"U8", 8},   {"I8", 8},    {"F8_E5M2", 8},
      {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"U16", 16},    {"I16", 16}, {"F16", 16}, {"BF16", 16}, {"U32", 32},
      {"I32", 32},    {"F32", 32},    {"U64", 64},    {"I64", 64}, {"F64", 64}, {"C64", 64},
  };
  for (const Row& row : kRows)
    if (row.name == dtype) return row.bits;
  return 0;
}

}  // namespace hone::safetensors
