// Ids against the goldens that llama.cpp and Hugging Face made, decoding, special tokens, and hostile data.
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/folder_test_support.h"
#include "text/unicode.h"

namespace hone {
namespace {

const std::filesystem::path kGolden = std::filesystem::path(HONE_TEST_DATA) / "golden/text/tokenizer";

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string from_hex(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return out;
}

// GPT-2's vocabulary from its merges: printable bytes, the other bytes, the merges, end of text.
TokenizerData gpt2(const std::string& pre) {
  TokenizerData data;
  data.model = "gpt2";
  data.pre = pre;
  for (const bool printable : {true, false})
    for (int b = 0; b < 256; ++b)
      if (((b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE) == printable)
        data.tokens.push_back(unicode::byte_alphabet()[static_cast<size_t>(b)]);
  std::istringstream lines(read(kGolden / "gpt2_vocab.bpe"));
  std::string line;
  std::getline(lines, line);  // version
  while (std::getline(lines, line)) {
    if (line.empty()) continue;
    data.merges.push_back(line);
    const size_t space = line.find(' ');
    data.tokens.push_back(line.substr(0, space) + line.substr(space + 1));
  }
  data.tokens.emplace_back("<|endoftext|>");
  data.types.assign(data.tokens.size(), TokenType::kNormal);
  data.types.back() = TokenType::kControl;
  data.bos = data.eos = static_cast<TokenId>(data.tokens.size() - 1);
  return data;
}

// Bytes b are tokens b; then "ab", "abc" by merges; then a control and two user-defined tokens.
TokenizerData tiny() {
  TokenizerData data;
  data.model = "gpt2";
  data.pre = "gpt-2";
  for (const std::string& byte : unicode::byte_alphabet()) data.tokens.push_back(byte);
  for (const char* token : {"ab", "abc", "<|x|>", "<|x|>y", "@@"}) data.tokens.emplace_back(token);
  data.types.assign(data.tokens.size(), TokenType::kNormal);
  data.types[258] = TokenType::kControl;
  data.types[259] = data.types[260] = TokenType::kUserDefined;
  data.merges = {"a b", "ab c"};
  return data;
}

ErrorCode code_of(TokenizerData data) {
  try {
    Tokenizer tokenizer(std::move(data));
  } catch (const Error& e) {
    return e.code();
  }
  return ErrorCode::kInternal;
}

using Ids = std::vector<TokenId>;

// The tokens of encode(), one behind the other, each where its bytes stand (as far as they stand there:
// invalid ones are replaced, and a space may come before the text).
void check_places(const Tokenizer& tokenizer, const std::string& text) {
  const Ids ids = tokenizer.encode(text, {.add_special = false});
  const std::vector<PlacedToken> placed = tokenizer.encode_placed(text, text);
  ASSERT_EQ(placed.size(), ids.size());
  size_t at = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(placed[i].id, ids[i]);
    EXPECT_EQ(placed[i].begin, at);
    EXPECT_GE(placed[i].end, at);
    at = placed[i].end;
    const std::string there = text.substr(placed[i].begin, placed[i].end - placed[i].begin);
    std::string bytes = tokenizer.token_bytes(ids[i], true);
    const bool is_replaced =
        tokenizer.data().model != "gpt2" || there.size() != bytes.size() || bytes.front() == '\xEF';
    if (!is_replaced) {
      EXPECT_EQ(there, bytes);
    }
  }
  EXPECT_LE(at, text.size());
}

TEST(Tokenizer, TokensArePlacedInTheText) {
  const auto places = [](const Tokenizer& tokenizer, std::string_view text) {
    std::string out;
    for (const PlacedToken& token : tokenizer.encode_placed(text, text))
      out += fmt::format("{}-{} ", token.begin, token.end);
    return out;
  };
  const Tokenizer bpe(tiny());
  EXPECT_EQ(places(bpe, "abc<|x|>ab"), "0-3 3-8 8-10 ");
  EXPECT_EQ(places(bpe,
                   "a\xFF"
                   "b"),
            "0-1 1-2 2-2 2-2 2-3 ");  // U+FFFD is three tokens for one byte
  EXPECT_EQ(places(bpe,
                   "\xC0\x80"
                   "b"),
            "0-2 2-3 ");  // an overlong zero
  TokenizerData strips = tiny();
  strips.rstrip = {258};
  EXPECT_EQ(places(Tokenizer(strips), "ab<|x|> \n ab<|x|>"), "0-2 2-10 10-12 12-17 ");
  strips.lstrip = {258};
  EXPECT_EQ(places(Tokenizer(strips), "ab \xE3\x80\x80<|x|>ab"), "0-2 2-11 11-13 ");
  EXPECT_EQ(Tokenizer(strips).encode("ab \xE3\x80\x80<|x|>ab"), (Ids{256, 258, 256}));
  // What was marked as text stays text.
  EXPECT_EQ(bpe.encode_placed("<|x|>", "\1\1\1\1\1").size(), 5U);
}

TEST(Tokenizer, SpacesBeforeTheText) {
  TokenizerData data = load_tokenizer_json(kGolden / "stories260K");
  const auto first = [&](SpacePrefix prefix, std::string_view text) {
    data.space_prefix = prefix;
    const Tokenizer tokenizer(data);
    std::vector<std::string> out;
    for (const TokenId id : tokenizer.encode(text, {.add_special = false}))
      out.push_back(tokenizer.data().tokens[static_cast<size_t>(id)]);
    return fmt::format("{}", fmt::join(out, "|"));
  };
  EXPECT_EQ(first(SpacePrefix::kNone, "a</s>a"), "a|</s>|a");
  EXPECT_EQ(first(SpacePrefix::kEach, "a</s>a"), "▁a|</s>|▁a");
  EXPECT_EQ(first(SpacePrefix::kEach, " a"), "▁|▁a");
  EXPECT_EQ(first(SpacePrefix::kUnspaced, " a</s> a"), "▁a|</s>|▁a");
  EXPECT_EQ(first(SpacePrefix::kFirst, "a</s>a"), "▁a|</s>|a");
  EXPECT_EQ(first(SpacePrefix::kFirst, " a</s> a"), "▁a|</s>|▁a");
}

TEST(Tokenizer, IdsEqualThePeers) {
  std::map<std::string, Tokenizer> tokenizers;
  std::istringstream lines(read(kGolden / "expected.jsonl"));
  size_t n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    const nlohmann::json row = nlohmann::json::parse(line);
    const std::string model = row["model"];
    const std::string pre = row["pre"];
    auto it = tokenizers.find(model + "/" + pre);
    if (it == tokenizers.end()) {
      TokenizerData data = model == "gpt2" ? gpt2(pre) : load_tokenizer_json(kGolden / model);
      it = tokenizers.emplace(model + "/" + pre, Tokenizer(std::move(data))).first;
    }
    const std::string text = from_hex(row["hex"]);
    const Ids ids = it->second.encode(text, {.add_special = row["add"], .parse_special = row["parse"]});
    EXPECT_EQ(ids, row["ids"].get<Ids>()) << it->first << " " << row["hex"];
    check_places(it->second, text);
  }
  EXPECT_GT(n, 700U);
}

TEST(Tokenizer, PublishedTextsWithGpt2) {
  const Tokenizer tokenizer(gpt2("gpt-2"));
  const std::string texts = read(kGolden / "texts.txt");
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::istringstream expected(read(kGolden / "texts.gpt-2.ids"));
  size_t n = 0;
  for (size_t at = 0; at <= texts.size(); ++n) {
    const size_t end = std::min(texts.find(separator, at), texts.size());
    const std::string text = texts.substr(at, end - at);
    at = end + separator.size();
    std::string line;
    std::getline(expected, line);
    std::istringstream numbers(line);
    Ids ids;
    for (TokenId id; numbers >> id;) ids.push_back(id);
    EXPECT_EQ(tokenizer.encode(text, {.add_special = false}), ids) << text;
    EXPECT_EQ(tokenizer.decode(ids), text);
  }
  EXPECT_EQ(n, 47U);
}

TEST(Tokenizer, LongWordsMergeLikeShortOnes) {
  // Over 32 symbols the heap is used: "abc" repeats must come out the same either way.
  const Tokenizer tokenizer(tiny());
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "abcaab";
  Ids expected;
  for (int i = 0; i < 5000; ++i) expected.insert(expected.end(), {257, 'a' - 33, 256});
  // Byte order is the alphabet's index here, so the byte 'a' is token 97.
  for (TokenId& id : expected)
    if (id == 'a' - 33) id = 97;
  EXPECT_EQ(tokenizer.encode(text), expected);
  EXPECT_EQ(tokenizer.decode(expected), text);
}

TEST(Tokenizer, SpecialTokensSplitFirst) {
  const Tokenizer tokenizer(tiny());
  EXPECT_EQ(tokenizer.encode("ab<|x|>abc"), (Ids{256, 258, 257}));
  EXPECT_EQ(tokenizer.encode("<|x|>y"), (Ids{259})) << "the longest token wins";
  // User-defined tokens are split even when special tokens are not parsed; control tokens are not.
  EXPECT_EQ(tokenizer.encode("a@@b", {.parse_special = false}), (Ids{97, 260, 98}));
  EXPECT_EQ(tokenizer.encode("<|x|>", {.parse_special = false}), (Ids{'<', '|', 'x', '|', '>'}));
  EXPECT_EQ(tokenizer.token_bytes(258), "");
  EXPECT_EQ(tokenizer.token_bytes(258, true), "<|x|>");
  EXPECT_EQ(tokenizer.token_bytes(260), "@@");
  EXPECT_TRUE(tokenizer.is_control(258));
  EXPECT_FALSE(tokenizer.is_control(260));
}

TEST(Tokenizer, BosAndEos) {
  TokenizerData data = tiny();
  data.bos = 258;
  data.eos = 256;
  data.add_bos = data.add_eos = true;
  const Tokenizer tokenizer(std::move(data));
  EXPECT_EQ(tokenizer.encode(""), (Ids{258, 256}));
  EXPECT_EQ(tokenizer.encode("a"), (Ids{258, 97, 256}));
  EXPECT_EQ(tokenizer.encode("a", {.add_special = false}), (Ids{97}));
  EXPECT_TRUE(tokenizer.is_end_of_generation(256));
  EXPECT_FALSE(tokenizer.is_end_of_generation(97));
  EXPECT_FALSE(tokenizer.is_end_of_generation(-1));
  EXPECT_FALSE(tokenizer.is_end_of_generation(1 << 30));
}

TEST(Tokenizer, StoriesRoundTrip) {
  const TokenizerData data = load_tokenizer_json(kGolden / "stories260K");
  EXPECT_EQ(data.model, "llama");
  EXPECT_TRUE(data.add_bos);
  EXPECT_EQ(data.space_prefix, SpacePrefix::kEach);
  EXPECT_EQ(data.bos, 1);
  EXPECT_EQ(data.eos, 2);
  const Tokenizer tokenizer(data);
  for (const char* text : {"Once upon a time", " leading", "\xF0\x9F\x98\x80 tab\t\n", ""})
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
}

TEST(Tokenizer, DecodeRefusesUnknownIds) {
  const Tokenizer tokenizer(tiny());
  EXPECT_THROW(tokenizer.decode(Ids{97, 261}), Error);
  EXPECT_THROW(tokenizer.decode(Ids{-1}), Error);
  EXPECT_THROW(tokenizer.token_bytes(1 << 30), Error);
}

TEST(Tokenizer, RefusesContradictions) {
  const auto with = [](auto change) {
    TokenizerData data = tiny();
    change(data);
    return code_of(std::move(data));
  };
  EXPECT_EQ(with([](auto& d) { d.model = "t5"; }), ErrorCode::kNotSupported);
  EXPECT_EQ(with([](auto& d) { d.pre = "no-such"; }), ErrorCode::kNotSupported);
  EXPECT_EQ(with([](auto& d) { d.tokens.clear(); }), ErrorCode::kCorruption);
  EXPECT_EQ(with([](auto& d) { d.types.pop_back(); }), ErrorCode::kCorruption);
  EXPECT_EQ(with([](auto& d) { d.bos = 261; }), ErrorCode::kCorruption);
  EXPECT_EQ(with([](auto& d) { d.eos = -2; }), ErrorCode::kCorruption);
  EXPECT_EQ(with([](auto& d) { d.add_bos = true; }), ErrorCode::kCorruption);
  EXPECT_EQ(with([](auto& d) { d.merges.push_back("a"); }), ErrorCode::kCorruption);
  EXPECT_EQ(with([](auto& d) { d.merges.push_back(""); }), ErrorCode::kCorruption);
  EXPECT_EQ(with([](auto& d) { d.merges.push_back("a "); }), ErrorCode::kCorruption);
  EXPECT_EQ(with([](auto& d) { d.merges.push_back("a c"); }), ErrorCode::kCorruption) << "\"ac\" is no token";
  EXPECT_EQ(with([](auto& d) { d.model = "llama"; }), ErrorCode::kCorruption) << "no scores";
  EXPECT_EQ(with([](auto& d) {
              d.model = "llama";
              d.scores.assign(d.tokens.size(), std::nanf(""));
            }),
            ErrorCode::kCorruption);
}

TEST(Tokenizer, EmptyTokensAndMissingBytesAreHarmless) {
  TokenizerData data = tiny();
  data.tokens[10].clear();
  data.types[10] = TokenType::kControl;
  data.tokens['z'] = "zz";
  const Tokenizer tokenizer(std::move(data));
  EXPECT_EQ(tokenizer.encode("\nazb"), (Ids{97, 98})) << "bytes without a token are dropped, as by the peers";
  EXPECT_EQ(tokenizer.token_bytes(10), "");
}

class TokenizerJson : public FolderTest {
 protected:
  std::string message(const std::string& json) {
    std::ofstream(folder_ / "tokenizer.json") << json;
    try {
      load_tokenizer_json(folder_);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(TokenizerJson, BadFilesGiveOneClearError) {
  EXPECT_THROW(load_tokenizer_json(folder_), Error);
  const auto says = [&](const std::string& json, const std::string& part) {
    EXPECT_NE(message(json).find(part), std::string::npos) << message(json);
  };
  says("{", "tokenizer.json");
  says(std::string(100000, '['), "nested");
  says("[]", "expected an object");
  says(R"({"model": {"type": "Unigram"}})", "Unigram");
  says(R"({"model": {"vocab": {"a": -1}, "merges": []}})", "expected an integer");
  says(R"({"model": {"vocab": {"a": 2000000000}, "merges": []}})", "2000000000");
  says(R"({"model": {"vocab": {"a": 0, "b": 0}, "merges": []}})", "expected one token");
  says(R"({"model": {"vocab": {"a": 0}, "merges": [["a"]]}})", "merges[0]");
  says(R"({"model": {"vocab": {"a": 0}, "merges": [["a", "b"]]}})", "not a token");
  says(R"({"model": {"vocab": {"a": 0}, "merges": []}, "pre_tokenizer": {"type": "Whitespace"}})",
       "Whitespace");
  says(R"({"model": {"vocab": {"a": 0}, "merges": []}, "added_tokens": [{"id": 1}]})",
       "added_tokens[0].content");
}

TEST_F(TokenizerJson, ReadsByteLevelFiles) {
  EXPECT_EQ(message(R"({"added_tokens": [{"id": 3, "content": "<s>", "special": true}],
      "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
        {"type": "ByteLevel", "add_prefix_space": false}]},
      "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}},
        {"Sequence": {"id": "A"}}]},
      "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})"),
            "");
  const TokenizerData data = load_tokenizer_json(folder_);
  EXPECT_EQ(data.pre, "smollm");
  EXPECT_EQ(data.merges, (std::vector<std::string>{"a b"}));
  EXPECT_EQ(data.bos, 3);
  EXPECT_TRUE(data.add_bos);
  EXPECT_EQ(Tokenizer(data).encode("ab<s>"), (Ids{3, 2, 3}));
  std::ofstream(folder_ / "tokenizer_config.json")
      << R"({"bos_token": {"content": "<s>"}, "add_bos_token": false})";
  EXPECT_FALSE(load_tokenizer_json(folder_).add_bos);
}

}  // namespace
}  // namespace hone
