// A vocabulary of all bytes and a few words, for both kinds of tokenizer.
#pragma once

#include "text/tokenizer.h"
#include "text/unicode.h"

namespace hone {

inline TokenizerData small_vocabulary(const char* model, const char* pre) {
  TokenizerData data;
  data.model = model;
  data.pre = pre;
  const bool spm = data.model == "llama";
  for (size_t b = 0; b < 256; ++b)
    data.tokens.push_back(spm ? fmt::format("<0x{:02X}>", b) : unicode::byte_alphabet()[b]);
  data.types.assign(256, spm ? TokenType::kByte : TokenType::kNormal);
  for (const char* token : {"ab", "abc", "aa", "aaaa", "<s>", "@@"}) data.tokens.emplace_back(token);
  data.types.resize(260, TokenType::kNormal);
  data.types.push_back(TokenType::kControl);
  data.types.push_back(TokenType::kUserDefined);
  // Without a token for U+2581 a space would come back as its three bytes.
  if (spm) data.tokens.emplace_back("\xE2\x96\x81");
  data.types.resize(data.tokens.size(), TokenType::kNormal);
  if (spm) data.scores.assign(data.tokens.size(), -1.0F);
  if (!spm) data.merges = {"a b", "ab c", "a a", "aa aa"};
  return data;
}

}  // namespace hone
