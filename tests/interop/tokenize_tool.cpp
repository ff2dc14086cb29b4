// Tokenizes for tokenizer_compare.py: tokenize_tool MODEL [PRE], where MODEL is a GGUF file or a folder with
// tokenizer.json and PRE replaces the pre-tokenizer's name. One request a line on stdin, {"hex": "<bytes>",
// "add": bool, "parse": bool}; one JSON array of ids a line on stdout. "decode" with ids gives back {"hex":
// …} instead.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "io/gguf.h"
#include "io/tokenizer_io.h"
#include "text/tokenizer.h"

namespace {

std::string from_hex(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return out;
}

std::string to_hex(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

hone::TokenizerData load(const std::filesystem::path& model) {
  if (std::filesystem::is_directory(model)) return hone::load_tokenizer_json(model);
  return hone::tokenizer_data(hone::GgufFile(model).metadata());
}

int run(int argc, char** argv) {
  if (argc < 2) hone::fail(hone::ErrorCode::kInvalidArgument, "usage: tokenize_tool MODEL [PRE]");
  hone::TokenizerData data = load(argv[1]);
  if (argc > 2) data.pre = argv[2];
  const hone::Tokenizer tokenizer(std::move(data));
  for (std::string line; std::getline(std::cin, line);) {
    const nlohmann::json request = nlohmann::json::parse(line);
    if (request.contains("decode")) {
      const auto ids = request["decode"].get<std::vector<hone::TokenId>>();
      std::cout << nlohmann::json{{"hex", to_hex(tokenizer.decode(ids, true))}} << '\n';
      continue;
    }
    const auto ids = tokenizer.encode(
        from_hex(request["hex"].get<std::string>()),
        {.add_special = request.value("add", false), .parse_special = request.value("parse", false)});
    std::cout << nlohmann::json(ids) << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "tokenize_tool: " << e.what() << '\n';
    return 1;
  }
}
