// --adapter and --ignore-base, the same in every command that takes adapters.
#pragma once

#include <string>
#include <vector>

#include "command.h"
#include "tune/adapter_stack.h"

namespace hone::cli {

struct AdapterOption {
  std::vector<std::string> texts;
  bool ignore_base = false;

  // The flags on `app`; the object must outlive it. Returns --adapter.
  CLI::Option* declare(CLI::App& app) {
    CLI::Option* option =
        app.add_option("--adapter", texts,
                       "PEFT folder, folder written by tune, or adapter GGUF; PATH:SCALE adds so much of it "
                       "(adapter.gguf:0.5); may be given several times")
            ->allow_extra_args(false);
    app.add_flag("--ignore-base", ignore_base, "take adapters though they were trained on other weights");
    return option;
  }
  std::vector<AdapterChoice> choices() const {
    std::vector<AdapterChoice> all;
    for (const std::string& text : texts) all.push_back(parse_adapter_choice(text));
    return all;
  }
  // [{"path", "scale"}], empty without adapters.
  Json json() const {
    Json all = Json::array();
    for (const AdapterChoice& choice : choices())
      all.push_back({{"path", choice.path.string()}, {"scale", choice.scale}});
    return all;
  }
};

}  // namespace hone::cli
