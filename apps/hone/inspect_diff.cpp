// How two files differ, as text and as JSON.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "inspect_text.h"
#include "report/text.h"

namespace hone::cli {
namespace {

constexpr size_t kShownRows = 20;

std::string optional_text(const MetaValue* value, bool all) {
  return value == nullptr ? "not there" : value_text(*value, all);
}

// Where two arrays part, which a shortened list would hide.
std::string array_note(const MetadataDifference& difference) {
  const auto array = [](const MetaValue* value) {
    return value == nullptr ? nullptr : std::get_if<MetaArray>(&value->value);
  };
  const MetaArray *a = array(difference.a), *b = array(difference.b);
  if (a == nullptr || b == nullptr || a->values.index() != b->values.index()) return {};
  return std::visit(
      [&](const auto& x) {
        const auto& y = std::get<std::decay_t<decltype(x)>>(b->values);
        const size_t common = std::min(x.size(), y.size());
        size_t first = common, different = 0;
        for (size_t i = 0; i < common; ++i) {
          if (x[i] == y[i]) continue;
          first = std::min(first, i);
          ++different;
        }
        if (different == 0)
          return fmt::format("    lengths {} and {}, the same up to there\n", x.size(), y.size());
        return fmt::format("    {} of the first {} differ, the first at {}\n", different, common, first);
      },
      a->values);
}

std::string metadata_text(const Diff& diff, bool all) {
  if (diff.metadata.empty()) return "\n  metadata: the same\n";
  std::string out = fmt::format("\n  metadata: {} {}\n", diff.metadata.size(),
                                diff.metadata.size() == 1 ? "key differs" : "keys differ");
  for (const MetadataDifference& difference : diff.metadata)
    out += fmt::format("  {}\n    A  {}\n    B  {}\n{}", single_line(difference.key),
                       optional_text(difference.a, all), optional_text(difference.b, all),
                       array_note(difference));
  return out;
}

std::string only_text(const char* where, const Contents& contents, const std::vector<size_t>& only,
                      bool all) {
  if (only.empty()) return {};
  std::string out = fmt::format("\n  only in {}: {} tensors\n", where, only.size());
  const size_t shown = all ? only.size() : std::min(only.size(), kShownRows);
  for (size_t i = 0; i < shown; ++i) {
    const TensorEntry& tensor = contents.tensors[only[i]];
    out += fmt::format("    {}  {}  {}\n", single_line(tensor.name), fmt::join(tensor.shape, " x "),
                       tensor.format);
  }
  if (shown < only.size()) out += fmt::format("    … {} more (--all)\n", only.size() - shown);
  return out;
}

std::string either(const std::string& a, const std::string& b) {
  return a == b ? a : a + " | " + b;
}

std::string shape_text(const TensorEntry& tensor) {
  return fmt::format("{}", fmt::join(tensor.shape, " x "));
}

std::string error_text(const TensorDifference& tensor) {
  if (!tensor.compared) return fmt::format("{:>12}  {:>10}", "–", "–");
  return fmt::format("{:>11.4g}%  {:>10.3g}", 100 * tensor.relative_rms, tensor.largest);
}

std::string tensors_text(const Contents& a, const Contents& b, const Diff& diff, bool all) {
  const auto changed = static_cast<size_t>(
      std::count_if(diff.tensors.begin(), diff.tensors.end(), [](const auto& t) { return !t.identical; }));
  std::string out = fmt::format("\n  common tensors: {}, of which {} identical\n", diff.tensors.size(),
                                diff.tensors.size() - changed);
  if (changed == 0) return out;
  if (diff.compared)
    out += fmt::format("  relative error of B against A, all together: {:.4g} %\n", 100 * diff.relative_rms);
  out +=
      fmt::format("\n  {:<32}  {:>12}  {:>10}  format and shape (A | B)\n", "tensor", "RMS error", "largest");
  const size_t shown = all ? changed : std::min(changed, kShownRows);
  for (size_t i = 0; i < shown; ++i) {  // identical ones stand last
    const TensorEntry &ta = a.tensors[diff.tensors[i].a], &tb = b.tensors[diff.tensors[i].b];
    out += fmt::format("  {:<32}  {}  {}  {}\n", single_line(ta.name), error_text(diff.tensors[i]),
                       either(ta.format, tb.format), either(shape_text(ta), shape_text(tb)));
  }
  if (shown < changed) out += fmt::format("  … {} more with smaller differences (--all)\n", changed - shown);
  return out;
}

Json names(const Contents& contents, const std::vector<size_t>& only) {
  Json out = Json::array();
  for (const size_t i : only) out.push_back(contents.tensors[i].name);
  return out;
}

}  // namespace

std::string diff_text(const Contents& a, const Contents& b, const Diff& diff, bool all) {
  std::string out = fmt::format("A  {}\nB  {}\n", a.path.string(), b.path.string());
  if (diff.identical()) return out + "\n  metadata and tensors are the same\n";
  out += metadata_text(diff, all);
  out += only_text("A", a, diff.only_a, all) + only_text("B", b, diff.only_b, all);
  if (diff.tensors.empty())
    return out + "\n  no tensor has the same name in both; PEFT and GGUF adapters name them differently\n";
  return out + tensors_text(a, b, diff, all);
}

Json diff_json(const Contents& a, const Contents& b, const Diff& diff, bool all) {
  Json json;
  json["a"] = a.path.string();
  json["b"] = b.path.string();
  json["identical"] = diff.identical();
  json["metadata"] = Json::array();
  for (const MetadataDifference& each : diff.metadata) {
    Json entry = {{"key", each.key}};
    if (each.a != nullptr) entry["a"] = value_json(*each.a, all);
    if (each.b != nullptr) entry["b"] = value_json(*each.b, all);
    json["metadata"].push_back(entry);
  }
  json["only_a"] = names(a, diff.only_a);
  json["only_b"] = names(b, diff.only_b);
  if (diff.compared) json["relative_rms"] = diff.relative_rms;
  json["tensors"] = Json::array();
  for (const TensorDifference& each : diff.tensors) {
    const TensorEntry &ta = a.tensors[each.a], &tb = b.tensors[each.b];
    Json entry = {{"name", ta.name},         {"shape_a", ta.shape},   {"shape_b", tb.shape},
                  {"format_a", ta.format},   {"format_b", tb.format}, {"identical", each.identical},
                  {"relative_rms", nullptr}, {"largest", nullptr}};
    if (each.compared) {
      entry["relative_rms"] = each.relative_rms;
      entry["largest"] = each.largest;
    }
    json["tensors"].push_back(entry);
  }
  return json;
}

}  // namespace hone::cli
