// hone convert: Hugging Face folder <-> GGUF.
#include "models/convert.h"

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/memory.h"
#include "command.h"
#include "text/chat_template.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model, output, format, chat_template;
};

// The file's text, which must be a template that hone can read.
std::string read_template(const std::string& path) {
  if (path.empty()) return {};
  std::string text = read_file(path);
  if (text.empty())
    fail(ErrorCode::kInvalidArgument, "--chat-template: {}: is empty, expected a template", path);
  try {
    const ChatTemplate checked(text, "", "");
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("--chat-template: {}: {}", path, error.what()));
  }
  return text;
}

uint64_t bytes_at(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return std::filesystem::file_size(path);
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

Outcome run(const Arguments& arguments) {
  const bool to_gguf = std::filesystem::path(arguments.output).extension() == ".gguf";
  const OpenedModel opened = open_model(arguments.model);
  std::error_code error;
  if (std::filesystem::equivalent(opened.path, arguments.output, error))
    fail(ErrorCode::kInvalidArgument, "--output: {} is the model that is being read; choose another name",
         arguments.output);
  const std::string chat_template = read_template(arguments.chat_template);
  if (to_gguf) {
    convert_to_gguf(*opened.source, arguments.output, arguments.format.empty() ? "keep" : arguments.format,
                    chat_template);
  } else {
    convert_to_hf(*opened.source, arguments.output, arguments.format.empty() ? "bf16" : arguments.format,
                  chat_template);
  }
  const uint64_t bytes = bytes_at(arguments.output);
  Json json;
  json["output"] = arguments.output;
  json["container"] = to_gguf ? "gguf" : "huggingface";
  json["file_bytes"] = bytes;
  return {json, fmt::format("{}: {}\n", arguments.output, format_bytes(bytes))};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("model", arguments->model, "GGUF file, Hugging Face folder or a name in the model store")
      ->required();
  app.add_option("-o,--output", arguments->output, "NAME.gguf, or a folder to write as Hugging Face")
      ->required();
  app.add_option("--format", arguments->format,
                 "f32, f16, bf16, or keep (GGUF only); default keep for GGUF, bf16 for Hugging Face")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "keep"}));
  app.add_option(
      "--chat-template", arguments->chat_template,
      "a Jinja file to take the place of the model's chat template: what a base model needs for chats");
  return [arguments](const CommonOptions&) { return run(*arguments); };
}

}  // namespace

const Command kConvertCommand = {
    .name = "convert",
    .summary = "Hugging Face folder to GGUF and back",
    .example = "hone convert path/to/hf-folder --output model.gguf",
    .declare = declare,
};

}  // namespace hone::cli
