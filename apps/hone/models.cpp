// hone models: what the local store holds.
#include <fmt/format.h>

#include "base/memory.h"
#include "command.h"
#include "models/model.h"
#include "models/store.h"

namespace hone::cli {
namespace {

Outcome run(const CommonOptions&) {
  Json json;
  json["store"] = model_store().string();
  json["models"] = Json::array();
  std::string text;
  for (const StoredModel& model : stored_models()) {
    json["models"].push_back(
        {{"name", model.name}, {"path", model.path.string()}, {"file_bytes", model.bytes}});
    text += fmt::format("{:<40} {:>10}  {}\n", model.name, format_bytes(model.bytes), model.path.string());
  }
  if (text.empty())
    text = fmt::format("the store {} is empty; add a model with: hone pull FILE --name NAME\n",
                       model_store().string());
  return {json, text};
}

Action declare(CLI::App&) {
  return run;
}

}  // namespace

const Command kModelsCommand = {
    .name = "models",
    .summary = "list the local model store",
    .example = "hone models",
    .declare = declare,
};

}  // namespace hone::cli
