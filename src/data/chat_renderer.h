// Messages -> text and tokens, exactly those of chat and serving: one rendering of the whole, tokenized in
// one pass.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace hone {

// The texts that parse_special turns into control tokens. Lives no longer than the tokenizer.
class ControlTexts {
 public:
  explicit ControlTexts(const Tokenizer& tokenizer);
  // Bytes of the longest control text at text[at]; 0 when there is none.
  size_t length(std::string_view text, size_t at) const;

 private:
  std::vector<std::string_view> texts_;
  std::array<bool, 256> starts_{};
};

// `chat.text` as tokens; BOS in front of it where the tokenizer asks for one and the template wrote none.
struct ReadChat {
  RenderedChat chat;
  std::vector<PlacedToken> tokens;
};

// Control texts of the template become tokens; the same texts inside messages stay text. Making one looks at
// the whole vocabulary.
class ChatRenderer {
 public:
  explicit ChatRenderer(const ChatCodec& codec) : codec_(codec), controls_(codec.tokenizer) {}

  // Throws what the template throws.
  ReadChat read(const nlohmann::ordered_json& messages, const RenderOptions& options) const;
  const ChatCodec& codec() const { return codec_; }

 private:
  std::string marked(const nlohmann::ordered_json& messages, const RenderOptions& options,
                     const std::string& text) const;

  ChatCodec codec_;
  ControlTexts controls_;
};

}  // namespace hone
