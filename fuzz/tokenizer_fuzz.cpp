// Random bytes through encode and decode of both models, and as tokenizer.json. Nothing but hone::Error may
// come out, and decoding byte-level ids must give valid input back.
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "memory_file.h"
#include "small_vocabulary.h"
#include "targets.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace {

void encode_all(std::string_view text) {
  static const char* const kPre[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", "deepseek-coder", "falcon"};
  for (const char* pre : kPre) {
    const hone::Tokenizer tokenizer(hone::small_vocabulary("gpt2", pre));
    const std::vector<hone::TokenId> ids = tokenizer.encode(text);
    if (!hone::unicode::decode(text).repaired && tokenizer.decode(ids, true) != text) std::abort();
  }
  const hone::Tokenizer spm(hone::small_vocabulary("llama", ""));
  const std::vector<hone::TokenId> ids = spm.encode(text);
  // A broken sequence may swallow part of the mark that stands for a space: only valid text must come back.
  const bool plain =
      !hone::unicode::decode(text).repaired && text.find("\xE2\x96\x81") == std::string_view::npos;
  if (spm.decode(ids, true) != text && plain) std::abort();
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
