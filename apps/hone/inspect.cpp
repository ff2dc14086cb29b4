// hone inspect: what is in a model file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "base/memory.h"
#include "command.h"
#include "models/architecture.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string model;
  bool metadata = false;
};

struct Sum {
  uint64_t tensors = 0, bytes = 0, elements = 0;
};

double bits(uint64_t bytes, uint64_t elements) {
  return elements == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(elements);
}

std::string value_text(const MetaValue& value) {
  struct Visitor {
    std::string operator()(uint64_t v) const { return fmt::format("{}", v); }
    std::string operator()(int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{:g}", v); }
    std::string operator()(const std::string& v) const {
      const std::string head = v.substr(0, 60);
      std::string line;
      for (const char c : head) line += c == '\n' ? ' ' : c;
      return v.size() > 60 ? fmt::format("{}… ({} bytes)", line, v.size()) : line;
    }
    std::string operator()(const MetaArray& v) const { return fmt::format("[{} values]", v.size()); }
  };
  return std::visit(Visitor{}, value.value);
}

std::string text_of(const Json& json, const std::map<std::string, Sum>& roles, const WeightSource& source,
                    bool metadata) {
  std::string out =
      fmt::format("{}\n  architecture {}, {:.1f} M parameters, {}, {:.2f} bits per weight, context {}\n",
                  source.description(), json["architecture"].get<std::string>(),
                  json["parameters"].get<double>() / 1e6, format_bytes(source.file_bytes()),
                  json["bits_per_weight"].get<double>(), json["context_length"].get<uint64_t>());
  out += "\n  role            tensors      bytes   bits/weight\n";
  for (const auto& [role, sum] : roles)
    out += fmt::format("  {:<14} {:>8} {:>10}   {:>6.2f}\n", role, sum.tensors, format_bytes(sum.bytes),
                       bits(sum.bytes, sum.elements));
  out += "\n  tensor                            shape           format\n";
  for (const TensorInfo& tensor : source.tensors())
    out += fmt::format("  {:<32}  {:<14}  {}\n", tensor.name,
                       fmt::format("{}", fmt::join(tensor.shape, " x ")), tensor.format->name);
  if (!metadata) return out + "\n  (--metadata lists the metadata)\n";
  out += "\n  metadata\n";
  for (const auto& [key, value] : source.metadata().entries())
    out += fmt::format("  {} = {}\n", key, value_text(value));
  return out;
}

Outcome inspect(const Arguments& arguments) {
  const OpenedModel opened = open_model(arguments.model);
  const WeightSource& source = *opened.source;
  const std::string arch_name = source.metadata().string("general.architecture");
  const Architecture& arch = architecture_named(arch_name);
  const ModelConfig config = arch.config_from_gguf(source.metadata());

  Sum all;
  std::map<std::string, uint64_t> formats;
  std::map<std::string, Sum> roles;
  Json tensors = Json::array();
  for (const TensorInfo& tensor : source.tensors()) {
    const TensorRow* row = find_row(arch, tensor.name);
    Sum& role = roles[role_name(row != nullptr ? row->role : TensorRole::kOther)];
    for (Sum* sum : {&role, &all}) {
      ++sum->tensors;
      sum->bytes += tensor.n_bytes();
      sum->elements += tensor.n_elements();
    }
    ++formats[std::string(tensor.format->name)];
    tensors.push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"format", tensor.format->name}});
  }

  Json json;
  json["path"] = opened.path.string();
  json["architecture"] = arch_name;
  json["name"] = config.name;
  json["parameters"] = all.elements;
  json["file_bytes"] = source.file_bytes();
  json["bits_per_weight"] = bits(all.bytes, all.elements);
  json["context_length"] = config.context_length;
  json["formats"] = formats;
  json["tensors"] = tensors;
  for (const auto& [role, sum] : roles)
    json["roles"][role] = {{"tensors", sum.tensors}, {"bytes", sum.bytes}};
  return {json, text_of(json, roles, source, arguments.metadata)};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("model", arguments->model, "GGUF file, Hugging Face folder or a name in the model store")
      ->required();
  app.add_flag("--metadata", arguments->metadata, "also list the metadata");
  return [arguments](const CommonOptions&) { return inspect(*arguments); };
}

}  // namespace

const Command kInspectCommand = {
    .name = "inspect",
    .summary = "what is in a model file",
    .example = "hone inspect smollm2-135m-instruct",
    .declare = declare,
};

}  // namespace hone::cli
