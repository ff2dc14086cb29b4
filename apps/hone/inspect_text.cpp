#include "inspect_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/memory.h"
#include "report/text.h"

namespace hone::cli {
namespace {

struct Sum {
  uint64_t tensors = 0, bytes = 0, elements = 0;
  void add(const TensorEntry& tensor) {
    ++tensors;
    bytes += tensor.n_bytes;
    elements += tensor.n_elements;
  }
  double bits() const {
    return elements == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(elements);
  }
};

struct Sums {
  Sum all;
  std::map<std::string, Sum> roles, formats;
  explicit Sums(const Contents& contents) {
    for (const TensorEntry& tensor : contents.tensors)
      for (Sum* sum : {&all, &roles[tensor.role], &formats[tensor.format]}) sum->add(tensor);
  }
};

int widest(const std::vector<std::string>& cells) {
  int width = 0;
  for (const std::string& cell : cells) width = std::max(width, layout::display_width(cell));
  return width;
}

// Padded by what a terminal shows, not by bytes.
std::string pad(const std::string& text, int width) {
  return text + std::string(static_cast<size_t>(std::max(0, width - layout::display_width(text))), ' ');
}

std::string shape_text(const TensorEntry& tensor) {
  return fmt::format("{}", fmt::join(tensor.shape, " x "));
}

std::string metadata_table(const Contents& contents, bool all) {
  if (contents.metadata.entries().empty()) return "\n  metadata: none\n";
  std::string out = "\n  metadata\n";
  std::vector<std::string> keys;
  for (const auto& [key, value] : contents.metadata.entries()) keys.push_back(single_line(key));
  const int width = std::min(widest(keys), 44);
  for (size_t i = 0; i < keys.size(); ++i)
    out += fmt::format("  {}  {}\n", pad(keys[i], width),
                       value_text(contents.metadata.entries()[i].second, all));
  return out;
}

std::string tensor_table(const Contents& contents) {
  std::vector<std::string> names, shapes;
  for (const TensorEntry& tensor : contents.tensors) {
    names.push_back(single_line(tensor.name));
    shapes.push_back(shape_text(tensor));
  }
  names.emplace_back("tensor");
  shapes.emplace_back("shape");
  const int name_width = widest(names), shape_width = widest(shapes);
  std::string out = fmt::format("\n  {}  {}  format        bytes  role\n", pad("tensor", name_width),
                                pad("shape", shape_width));
  for (size_t i = 0; i < contents.tensors.size(); ++i)
    out += fmt::format("  {}  {}  {:<8}  {:>9}  {}\n", pad(names[i], name_width), pad(shapes[i], shape_width),
                       contents.tensors[i].format, format_bytes(contents.tensors[i].n_bytes),
                       contents.tensors[i].role);
  return out;
}

std::string sum_table(const char* title, const std::map<std::string, Sum>& sums, const Sum& all) {
  std::string out = fmt::format("\n  {:<14} {:>8} {:>10}  {:>5}  {:>11}\n", title, "tensors", "bytes",
                                "share", "bits/weight");
  for (const auto& [name, sum] : sums)
    out += fmt::format(
        "  {:<14} {:>8} {:>10}  {:>3.0f} %  {:>11.2f}\n", name, sum.tensors, format_bytes(sum.bytes),
        all.bytes == 0 ? 0.0 : 100.0 * static_cast<double>(sum.bytes) / static_cast<double>(all.bytes),
        sum.bits());
  return out;
}

std::string parameter_text(uint64_t n) {
  if (n >= 1'000'000'000) return fmt::format("{:.2f} B", static_cast<double>(n) / 1e9);
  if (n >= 1'000'000) return fmt::format("{:.1f} M", static_cast<double>(n) / 1e6);
  return fmt::format("{}", n);
}

std::string head_text(const Contents& contents, const Sums& sums) {
  std::string out = fmt::format("{}\n  {}, {}", contents.path.string(), contents.container, contents.kind);
  if (!contents.architecture.empty())
    out += fmt::format(" of architecture {}", single_line(contents.architecture));
  if (contents.kind == "model" && !contents.runnable) out += " (not one that hone runs)";
  if (!contents.name.empty())
    out +=
        fmt::format(", {}{}", contents.container == "PEFT folder" ? "for " : "", single_line(contents.name));
  out += fmt::format("\n  {} parameters in {} tensors, {}, {:.2f} bits per weight",
                     parameter_text(sums.all.elements), sums.all.tensors, format_bytes(contents.file_bytes),
                     sums.all.bits());
  if (contents.context_length > 0) out += fmt::format(", context {}", contents.context_length);
  if (!contents.ranks.empty()) out += fmt::format(", rank {}", fmt::join(contents.ranks, " and "));
  return out + "\n";
}

}  // namespace

Json inspect_json(const Contents& contents, const std::string& hash, bool all) {
  const Sums sums(contents);
  Json json;
  json["path"] = contents.path.string();
  json["container"] = contents.container;
  json["kind"] = contents.kind;
  json["architecture"] = contents.architecture;
  json["name"] = contents.name;
  json["parameters"] = sums.all.elements;
  json["file_bytes"] = contents.file_bytes;
  json["bits_per_weight"] = sums.all.bits();
  json["context_length"] = contents.context_length;
  if (!contents.ranks.empty()) json["ranks"] = contents.ranks;
  if (!hash.empty()) json["hash"] = hash;
  json["formats"] = Json::object();
  for (const auto& [name, sum] : sums.formats) json["formats"][name] = sum.tensors;
  const auto sizes = [](const std::map<std::string, Sum>& by) {
    Json out = Json::object();
    for (const auto& [name, sum] : by)
      out[name] = {{"tensors", sum.tensors}, {"bytes", sum.bytes}, {"bits_per_weight", sum.bits()}};
    return out;
  };
  json["format_sizes"] = sizes(sums.formats);
  json["roles"] = sizes(sums.roles);
  json["metadata"] = Json::object();
  for (const auto& [key, value] : contents.metadata.entries()) json["metadata"][key] = value_json(value, all);
  json["tensors"] = Json::array();
  for (const TensorEntry& tensor : contents.tensors)
    json["tensors"].push_back({{"name", tensor.name},
                               {"shape", tensor.shape},
                               {"format", tensor.format},
                               {"bytes", tensor.n_bytes},
                               {"role", tensor.role}});
  return json;
}

std::string inspect_text(const Contents& contents, const std::string& hash, bool all) {
  const Sums sums(contents);
  std::string out = head_text(contents, sums);
  if (!hash.empty())
    out += fmt::format(
        "  hash {} (XXH3-128 of {})\n", hash,
        contents.kind == "model" ? "the weights, as adapters name their base" : "the file of tensors");
  out += metadata_table(contents, all);
  out += tensor_table(contents);
  out += sum_table("role", sums.roles, sums.all);
  return out + sum_table("format", sums.formats, sums.all);
}

}  // namespace hone::cli
