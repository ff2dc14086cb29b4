// hone pull: put a model into the local store.
#include <fmt/format.h>

#include "base/memory.h"
#include "command.h"
#include "models/store.h"

namespace hone::cli {
namespace {

Outcome run(const std::string& path, const std::string& name) {
  const std::filesystem::path stored = pull_file(path, name);
  Json json;
  json["name"] = stored.extension() == ".gguf" ? stored.stem().string() : stored.filename().string();
  json["path"] = stored.string();
  for (const StoredModel& model : stored_models()) {
    if (model.path == stored) json["file_bytes"] = model.bytes;
  }
  return {json, fmt::format("{}: {}\n", json["name"].get<std::string>(), stored.string())};
}

Action declare(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  app.add_option("file", *path, "GGUF file or Hugging Face folder on this machine")->required();
  app.add_option("--name", *name, "its name in the store (default: the file's)");
  return [path, name](const CommonOptions&) { return run(*path, *name); };
}

}  // namespace

const Command kPullCommand = {
    .name = "pull",
    .summary = "put a model file into the local store",
    .example = "hone pull SmolLM2-135M-Instruct.Q4_1.gguf --name smollm2-135m-instruct",
    .declare = declare,
};

}  // namespace hone::cli
