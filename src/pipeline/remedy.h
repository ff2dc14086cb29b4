// What may help a file that broke a promise. One file each in remedies/, listed in remedy_list.cpp, tried in
// this order.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "pipeline/products.h"

namespace hone {

struct RemedyInput {
  RunContext& run;
  const Product& merged;
  const Product& failed;
  const MeasureItems& valid;                   // what may be looked at; the test data may not
  std::vector<GroupSensitivity>& sensitivity;  // for the report
};
// Makes a file, or finds it made.
using MakeProduct = std::function<Product()>;

struct Remedy {
  std::string_view name, summary;
  // In the order they should be tried: the smallest first.
  std::vector<MakeProduct> (*candidates)(const RemedyInput& input);
};

extern const Remedy kRemedyFormat;
extern const Remedy kRemedySensitive;
extern const Remedy kRemedyLora;
std::span<const Remedy* const> all_remedies() noexcept;

}  // namespace hone
