// Random bytes through encode and decode of both models, and as tokenizer.json. Nothing but hone::Error may
// come out, and decoding byte-level ids must give valid input back.
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "memory_file.h"
#include "small_vocabulary.h"
#include "targets.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace {

// Made once: an input then costs what its text costs.
const std::vector<hone::Tokenizer>& byte_level() {
  static const std::vector<hone::Tokenizer> kAll = [] {
    std::vector<hone::Tokenizer> all;
    for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "qwen2", "deepseek-coder", "falcon"})
      all.emplace_back(hone::small_vocabulary("gpt2", pre));
    return all;
  }();
  return kAll;
}

void encode_all(std::string_view text) {
  const bool valid = !hone::unicode::decode(text).repaired;
  for (const hone::Tokenizer& tokenizer : byte_level()) {
    const std::vector<hone::TokenId> ids = tokenizer.encode(text);
    if (valid && tokenizer.decode(ids, true) != text) std::abort();
  }
  static const hone::Tokenizer kSpm(hone::small_vocabulary("llama", ""));
  // A broken sequence may swallow part of the mark that stands for a space: only valid text must come back.
  const bool plain = valid && text.find("\xE2\x96\x81") == std::string_view::npos;
  const std::vector<hone::TokenId> ids = kSpm.encode(text);
  if (kSpm.decode(ids, true) != text && plain) std::abort();
}

void load_json(std::string_view text) {
  static hone::MemoryFolder folder;
  folder.set("tokenizer.json", {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  try {
    hone::Tokenizer(hone::load_tokenizer_json(folder.path())).encode("ab <s>abc");
  } catch (const hone::Error&) {  // the expected answer to most inputs
  }
}

}  // namespace

void hone::fuzz_tokenizer(const uint8_t* data, size_t size) {
  if (size == 0) return;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 4 == 0) {
    load_json(text);
  } else {
    encode_all(text);
  }
}
