// Files that broke a promise, repaired: remedies are tried on validation data, and of the first of each that
// keeps every promise there, the smallest is taken. What it is worth is then measured on the test data.
#pragma once

#include "pipeline/products.h"
#include "pipeline/run_report.h"

namespace hone {

struct RepairInput {
  RunContext& run;
  StageModel base, tuned;
  const std::vector<Product>& products;  // merged first
};
struct Repaired {
  std::string file;                // the stage that broke a promise
  std::optional<Product> product;  // what stands in for it; none: no remedy keeps every promise
};

// Adds what was tried, and what was learnt of sensitivity, to the report. A promise on what has no validation
// data is not judged here, only on the test.
std::vector<Repaired> repair_files(const RepairInput& input, const std::vector<std::string>& failed,
                                   RunReport& report);

}  // namespace hone
