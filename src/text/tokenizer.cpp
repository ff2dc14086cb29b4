#include "text/tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "text/bpe.h"
#include "text/pre_tokenizer.h"
#include "text/special_tokens.h"
#include "text/spm.h"
#include "text/unicode.h"

namespace hone {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581
constexpr size_t kMaxText = (size_t{1} << 31) - 1;       // positions are 32 bits wide inside
constexpr size_t kMaxSpecialToken = 1024;                // bytes; each is looked for at every place of a text

// Texts of the tokens that end a turn or a document in published models.
constexpr std::array<std::string_view, 15> kEndTokens = {
    "<|eot_id|>",      "<|eom_id|>", "<|im_end|>", "<|end|>",       "<|endoftext|>",
    "<|end_of_text|>", "<|return|>", "<|call|>",   "<end_of_turn>", "<end_of_utterance>",
    "_<EOT>",          "< EOT >",    "[EOT]",      "[EOS]",         "<｜end▁of▁sentence｜>"};

void check_id(TokenId id, const char* name, size_t n_tokens) {
  if (id < -1 || id >= static_cast<int64_t>(n_tokens))
    fail(ErrorCode::kCorruption, "tokenizer: {} token id: got {}, expected -1 (none) or below {}", name, id,
         n_tokens);
}

void check_data(const TokenizerData& data) {
  const size_t n = data.tokens.size();
  if (data.model != "gpt2" && data.model != "llama")
    fail(ErrorCode::kNotSupported, "tokenizer: model: got \"{}\", expected gpt2 (byte-level BPE) or llama",
         data.model);
  if (n == 0 || n > static_cast<size_t>(std::numeric_limits<TokenId>::max()))
    fail(ErrorCode::kCorruption, "tokenizer: tokens: got {}, expected 1 to 2^31-1", n);
  if (data.types.size() != n)
    fail(ErrorCode::kCorruption, "tokenizer: token types: got {}, expected {}, one a token",
         data.types.size(), n);
  if (data.model == "llama" && data.scores.size() != n)
    fail(ErrorCode::kCorruption, "tokenizer: scores: got {}, expected {}, one a token", data.scores.size(),
         n);
  for (size_t i = 0; i < data.scores.size(); ++i)
    if (!std::isfinite(data.scores[i]))
      fail(ErrorCode::kCorruption, "tokenizer: score of token {}: got {}, expected a finite number", i,
           data.scores[i]);
  check_id(data.bos, "bos", n);
  check_id(data.eos, "eos", n);
  check_id(data.eot, "eot", n);
  check_id(data.unk, "unknown", n);
  check_id(data.pad, "padding", n);
  for (const TokenId id : data.lstrip) check_id(id, "lstrip", n);
  for (const TokenId id : data.rstrip) check_id(id, "rstrip", n);
  if (data.add_bos && data.bos < 0)
    fail(ErrorCode::kCorruption, "tokenizer: add_bos is set, but there is no bos token id");
  if (data.add_eos && data.eos < 0)
    fail(ErrorCode::kCorruption, "tokenizer: add_eos is set, but there is no eos token id");
}

// The byte of "<0x0A>"; -1 for other texts.
int byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int value = 0;
  for (const char c : token.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (;;) {
    const size_t at = text.find(from);
    out.append(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    out.append(to);
    text.remove_prefix(at + from.size());
  }
}

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerData d);

  void add_byte_tokens();
  void add_special_tokens();
  bool is_special_type(TokenId id) const noexcept;
  // Tokens of a text, and where each ends in it if `ends` is not null.
  using Ends = std::vector<size_t>;
  void encode(std::string_view text, std::string_view marked, bool parse_special, std::vector<TokenId>& out,
              Ends* ends) const;
  void encode_bpe(std::string_view text, std::vector<TokenId>& out, Ends* ends) const;
  void encode_spm(std::string_view text, bool prefix, std::vector<TokenId>& out, Ends* ends) const;
  bool wants_space(std::string_view piece, bool is_first, bool after_special) const noexcept;
  size_t n_bytes(TokenId id) const;
  TokenId whole_word(std::string_view word) const;
  TokenId find(std::string_view text) const noexcept {
    const auto it = index.find(text);
    return it == index.end() ? -1 : it->second;
  }

  TokenizerData data;
  bool spm = false;
  TokenIndex index;              // views into data.tokens; of equal texts the last id
  std::vector<TokenType> types;  // data.types, with end-of-turn tokens always control
  std::vector<bool> end;
  std::array<TokenId, 256> byte_tokens{};
  SpecialTokens special;
  const PreTokenizer* pre = nullptr;
  std::optional<MergeTable> merges;
  std::optional<SpmMerger> merger;
};

Tokenizer::Impl::Impl(TokenizerData d) : data(std::move(d)) {
  check_data(data);
  spm = data.model == "llama";
  index.reserve(data.tokens.size());
  for (size_t i = 0; i < data.tokens.size(); ++i)
    if (!data.tokens[i].empty()) index[data.tokens[i]] = static_cast<TokenId>(i);
  add_byte_tokens();
  add_special_tokens();
  if (spm) {
    merger.emplace(index, data.scores, byte_tokens, data.unk);
    return;
  }
  pre = find_pre_tokenizer(data.pre);
  if (pre == nullptr)
    fail(ErrorCode::kNotSupported, "tokenizer: pre-tokenizer: got \"{}\", expected one of: {}",
         data.pre.substr(0, 80), pre_tokenizer_names());
  merges.emplace(data.merges, index);
}

void Tokenizer::Impl::add_byte_tokens() {
  for (size_t b = 0; b < 256; ++b)
    byte_tokens[b] = find(spm ? fmt::format("<0x{:02X}>", b) : unicode::byte_alphabet()[b]);
}

void Tokenizer::Impl::add_special_tokens() {
  types = data.types;
  end.resize(types.size());
  for (const std::string_view text : kEndTokens) {
    const TokenId id = find(text);
    if (id < 0) continue;
    end[static_cast<size_t>(id)] = true;
    types[static_cast<size_t>(id)] = TokenType::kControl;  // some files mark them as ordinary text by mistake
  }
  for (const TokenId id : {data.eos, data.eot})
    if (id >= 0) end[static_cast<size_t>(id)] = true;
  const auto flags = [&](const std::vector<TokenId>& ids) {
    std::vector<bool> out(types.size());
    for (const TokenId id : ids)
      if (id >= 0) out[static_cast<size_t>(id)] = true;
    return out;
  };
  const std::vector<bool> lstrip = flags(data.lstrip), rstrip = flags(data.rstrip);
  std::vector<SpecialTokens::Entry> entries;
  for (size_t i = 0; i < types.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (data.tokens[i].empty() || find(data.tokens[i]) != id) continue;
    if (!is_special_type(id)) continue;
    if (data.tokens[i].size() > kMaxSpecialToken)
      fail(ErrorCode::kCorruption, "tokenizer: special token {}: got a text of {} bytes, expected at most {}",
           i, data.tokens[i].size(), kMaxSpecialToken);
    entries.push_back({data.tokens[i], id, types[i] == TokenType::kUserDefined, lstrip[i], rstrip[i]});
  }
  special = SpecialTokens(std::move(entries));
}

bool Tokenizer::Impl::is_special_type(TokenId id) const noexcept {
  const TokenType type = types[static_cast<size_t>(id)];
  return type == TokenType::kControl || type == TokenType::kUserDefined || type == TokenType::kUnknown;
}

TokenId Tokenizer::Impl::whole_word(std::string_view word) const {
  std::string text;
  for (const char c : word) text += unicode::byte_alphabet()[static_cast<unsigned char>(c)];
  return find(text);
}

// Bytes of text that a byte-level token stands for.
size_t Tokenizer::Impl::n_bytes(TokenId id) const {
  return id < 0 ? 1 : unicode::from_byte_alphabet(data.tokens[static_cast<size_t>(id)]).size();
}

void Tokenizer::Impl::encode_bpe(std::string_view text, std::vector<TokenId>& out, Ends* ends) const {
  const unicode::Chars chars = unicode::decode(text);
  const std::string_view original = text;
  std::string repaired;
  if (chars.repaired) {
    for (const uint32_t code : chars.code) unicode::append_utf8(repaired, code);
    text = repaired;
  }
  const size_t first = out.size();
  BpeMerger merge(*merges);
  std::vector<TokenId> symbols;
  size_t begin = 0;
  size_t c = 0;
  for (const uint32_t length : split_words(*pre, chars)) {
    size_t size = 0;
    for (const size_t stop = c + length; c < stop; ++c) size += unicode::utf8_size(chars.code[c]);
    const std::string_view word = text.substr(begin, size);
    begin += size;
    if (pre->ignore_merges) {
      if (const TokenId id = whole_word(word); id >= 0) {
        out.push_back(id);
        if (ends != nullptr) ends->push_back(begin);
        continue;
      }
    }
    symbols.clear();
    for (const char byte : word) symbols.push_back(byte_tokens[static_cast<unsigned char>(byte)]);
    merge.merge(symbols);
    size_t at = begin - size;
    for (const TokenId id : symbols) {
      if (ends != nullptr) at += n_bytes(id);
      if (id < 0) continue;
      out.push_back(id);
      if (ends != nullptr) ends->push_back(at);
    }
  }
  if (ends != nullptr && chars.repaired) {
    std::vector<size_t> origin(repaired.size() + 1, original.size());
    const std::vector<uint32_t> sizes = unicode::sizes(original);
    size_t to = 0, from = 0;
    for (size_t i = 0; i < sizes.size(); from += sizes[i++])
      for (size_t byte = 0; byte < unicode::utf8_size(chars.code[i]); ++byte)
        origin[to++] = from + std::min<size_t>(byte, sizes[i]);
    for (size_t i = ends->size() - (out.size() - first); i < ends->size(); ++i)
      (*ends)[i] = origin[(*ends)[i]];
  }
}

void Tokenizer::Impl::encode_spm(std::string_view text, bool prefix, std::vector<TokenId>& out,
                                 Ends* ends) const {
  std::string escaped = replace_all(text, " ", kSpaceMark);
  if (prefix) escaped.insert(0, kSpaceMark);
  if (escaped.size() > kMaxText)
    fail(ErrorCode::kInvalidArgument, "tokenizer: text: got {} bytes, expected under 2 GiB", escaped.size());
  const size_t first = ends != nullptr ? ends->size() : 0;
  merger->merge(escaped, out, ends);
  if (ends == nullptr) return;
  std::vector<size_t> origin(prefix ? kSpaceMark.size() : 0, 0);
  for (size_t at = 0; at < text.size(); ++at)
    origin.insert(origin.end(), text[at] == ' ' ? kSpaceMark.size() : 1, at);
  origin.push_back(text.size());
  for (size_t i = first; i < ends->size(); ++i) (*ends)[i] = origin[(*ends)[i]];
}

bool Tokenizer::Impl::wants_space(std::string_view piece, bool is_first, bool after_special) const noexcept {
  const bool spaced = piece.starts_with(' ') || piece.starts_with(kSpaceMark);
  switch (data.space_prefix) {
    case SpacePrefix::kNone:
      return false;
    case SpacePrefix::kEach:
      return after_special;
    case SpacePrefix::kUnspaced:
      return after_special && !spaced;
    case SpacePrefix::kFirst:
      return is_first && !spaced;
  }
  return false;
}

void Tokenizer::Impl::encode(std::string_view text, std::string_view marked, bool parse_special,
                             std::vector<TokenId>& out, Ends* ends) const {
  bool after_special = true;
  for (const Fragment& fragment : special.split(marked, parse_special)) {
    const auto begin = static_cast<size_t>(fragment.text.data() - marked.data());
    const size_t first = ends != nullptr ? ends->size() : 0;
    if (fragment.id >= 0) {
      out.push_back(fragment.id);
      if (ends != nullptr) ends->push_back(fragment.text.size());
    } else {
      const std::string_view piece = text.substr(begin, fragment.text.size());
      if (spm)
        encode_spm(piece, wants_space(piece, begin == 0, after_special), out, ends);
      else
        encode_bpe(piece, out, ends);
    }
    after_special = fragment.id >= 0;
    if (ends == nullptr) continue;
    for (size_t i = first; i < ends->size(); ++i) (*ends)[i] += begin;
  }
}

void pad_vocabulary(TokenizerData& data, size_t n) {
  if (data.tokens.size() >= n) return;
  check_data(data);  // no id may point at what is only filled in here
  for (size_t id = data.tokens.size(); id < n; ++id) {
    data.tokens.push_back(fmt::format("[PAD{}]", id));
    data.types.push_back(TokenType::kUnused);
    if (!data.scores.empty()) data.scores.push_back(-1000.0f);
  }
}

Tokenizer::Tokenizer(TokenizerData data) : impl_(std::make_unique<Impl>(std::move(data))) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<TokenId> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  if (text.size() > kMaxText)
    fail(ErrorCode::kInvalidArgument, "tokenizer: text: got {} bytes, expected under 2 GiB", text.size());
  const Impl& m = *impl_;
  std::vector<TokenId> out;
  out.reserve(text.size() / 4 + 4);
  if (options.add_special && m.data.add_bos) out.push_back(m.data.bos);
  m.encode(text, text, options.parse_special, out, nullptr);
  if (options.add_special && m.data.add_eos) out.push_back(m.data.eos);
  return out;
}

std::vector<PlacedToken> Tokenizer::encode_placed(std::string_view text, std::string_view marked) const {
  HONE_CHECK(text.size() == marked.size(), "{} and {} bytes", text.size(), marked.size());
  if (text.size() > kMaxText)
    fail(ErrorCode::kInvalidArgument, "tokenizer: text: got {} bytes, expected under 2 GiB", text.size());
  std::vector<TokenId> ids;
  std::vector<size_t> ends;
  impl_->encode(text, marked, true, ids, &ends);
  std::vector<PlacedToken> out;
  out.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) out.push_back({ids[i], i == 0 ? 0 : ends[i - 1], ends[i]});
  return out;
}

std::string Tokenizer::token_bytes(TokenId id, bool with_special) const {
  const Impl& m = *impl_;
  if (id < 0 || static_cast<size_t>(id) >= m.types.size())
    fail(ErrorCode::kInvalidArgument, "tokenizer: token id: got {}, expected 0 to {}", id,
         m.types.size() - 1);
  const auto i = static_cast<size_t>(id);
  const std::string& text = m.data.tokens[i];
  switch (m.types[i]) {
    case TokenType::kControl:
    case TokenType::kUnknown:
      return with_special ? text : std::string();
    case TokenType::kUserDefined:
      return text;
    case TokenType::kByte:
      if (const int byte = byte_of(text); byte >= 0) return std::string(1, static_cast<char>(byte));
      break;
    case TokenType::kUnused:
    case TokenType::kNormal:
      break;
  }
  return m.spm ? replace_all(text, kSpaceMark, " ") : unicode::from_byte_alphabet(text);
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool with_special) const {
  std::string out;
  // The space that encode() put before the text comes off again.
  bool strip = impl_->spm && impl_->data.space_prefix != SpacePrefix::kNone;
  for (const TokenId id : ids) {
    std::string bytes = token_bytes(id, with_special);
    if (strip && !bytes.empty() && !is_control(id)) {
      if (bytes.front() == ' ') bytes.erase(0, 1);
      strip = false;
    }
    out += bytes;
  }
  return out;
}

size_t Tokenizer::vocab_size() const noexcept {
  return impl_->data.tokens.size();
}

const TokenizerData& Tokenizer::data() const noexcept {
  return impl_->data;
}

bool Tokenizer::is_control(TokenId id) const noexcept {
  return id >= 0 && static_cast<size_t>(id) < impl_->types.size() &&
         impl_->types[static_cast<size_t>(id)] == TokenType::kControl;
}

bool Tokenizer::is_end_of_generation(TokenId id) const noexcept {
  return id >= 0 && static_cast<size_t>(id) < impl_->end.size() && impl_->end[static_cast<size_t>(id)];
}

TokenId Tokenizer::find(std::string_view token) const noexcept {
  return impl_->find(token);
}

}  // namespace hone
