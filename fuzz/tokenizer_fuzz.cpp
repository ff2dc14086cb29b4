// Random bytes through encode and decode of both models, and as tokenizer.json. Nothing but hone::Error may
// come out, and decoding byte-level ids must give valid input back.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/error.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace {

hone::TokenizerData small_vocabulary(const char* model, const char* pre) {
  hone::TokenizerData data;
  data.model = model;
  data.pre = pre;
  const bool spm = data.model == "llama";
  for (size_t b = 0; b < 256; ++b)
    data.tokens.push_back(spm ? fmt::format("<0x{:02X}>", b) : hone::unicode::byte_alphabet()[b]);
  data.types.assign(256, spm ? hone::TokenType::kByte : hone::TokenType::kNormal);
  for (const char* token : {"ab", "abc", "aa", "aaaa", "<s>", "@@"}) data.tokens.emplace_back(token);
  data.types.resize(260, hone::TokenType::kNormal);
  data.types.push_back(hone::TokenType::kControl);
  data.types.push_back(hone::TokenType::kUserDefined);
  // Without a token for U+2581 a space would come back as its three bytes.
  if (spm) data.tokens.emplace_back("\xE2\x96\x81");
  data.types.resize(data.tokens.size(), hone::TokenType::kNormal);
  if (spm) data.scores.assign(data.tokens.size(), -1.0F);
  if (!spm) data.merges = {"a b", "ab c", "a a", "aa aa"};
  return data;
}

void encode_all(std::string_view text) {
  static const char* const kPre[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", "deepseek-coder", "falcon"};
  for (const char* pre : kPre) {
    const hone::Tokenizer tokenizer(small_vocabulary("gpt2", pre));
    const std::vector<hone::TokenId> ids = tokenizer.encode(text);
    if (!hone::unicode::decode(text).repaired && tokenizer.decode(ids, true) != text) std::abort();
  }
  const hone::Tokenizer spm(small_vocabulary("llama", ""));
  const std::vector<hone::TokenId> ids = spm.encode(text);
  // A broken sequence may swallow part of the mark that stands for a space: only valid text must come back.
  const bool plain =
      !hone::unicode::decode(text).repaired && text.find("\xE2\x96\x81") == std::string_view::npos;
  if (spm.decode(ids, true) != text && plain) std::abort();
}

void load_json(std::string_view text) {
  static const std::filesystem::path folder = [] {
    auto path = std::filesystem::temp_directory_path() / fmt::format("hone-fuzz-{}", ::getpid());
    std::filesystem::create_directories(path);
    return path;
  }();
  std::ofstream(folder / "tokenizer.json", std::ios::binary) << text;
  try {
    hone::Tokenizer(hone::load_tokenizer_json(folder)).encode("ab <s>abc");
  } catch (const hone::Error&) {  // the expected answer to most inputs
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 4 == 0) {
    load_json(text);
  } else {
    encode_all(text);
  }
  return 0;
}
