#include "eval/by_category.h"

#include <charconv>
#include <map>

namespace hone {
namespace {

// Names that begin with a number by it, before all others.
struct Before {
  bool operator()(const std::string& a, const std::string& b) const {
    const auto number = [](const std::string& text) {
      size_t value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      return error == std::errc() ? value : static_cast<size_t>(-1);
    };
    const size_t x = number(a), y = number(b);
    return x != y ? x < y : a < b;
  }
};

}  // namespace

std::vector<CategoryScore> by_category(const TaskResult& result, uint64_t seed) {
  return by_category(*result.file, result.metrics[0].values, seed);
}

std::vector<CategoryScore> by_category(const TaskFile& file, const std::vector<double>& item_values,
                                       uint64_t seed) {
  std::map<std::string, std::vector<double>, Before> values;
  for (size_t i = 0; i < item_values.size(); ++i) values[file.items[i].category].push_back(item_values[i]);
  std::vector<CategoryScore> out;
  if (values.size() < 2) return out;
  for (const auto& [name, of_category] : values) out.push_back({name, mean_of_items(of_category, seed)});
  return out;
}

}  // namespace hone
