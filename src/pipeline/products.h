// The files a run makes: the merged model, and it quantized; each cached by content.
#pragma once

#include "pipeline/measure_stages.h"
#include "quantize/mix.h"
#include "report/results.h"

namespace hone {

struct Product {
  StageResult result;  // its row of the report, without figures
  StageModel model;
};

// Merges the adapter in the run's folder.
Product merge_product(RunContext& run, const std::string& adapter_hash);
// The merged model in another format, read back from its file and compared with what quantizing said.
Product quantize_product(RunContext& run, const Product& merged, const std::string& format);
// The same with some tensors in another format. stage: of the file's name, and of the report.
Product quantize_mixed(RunContext& run, const Product& merged, const std::string& format,
                       const std::string& stage, const std::vector<FormatOverride>& overrides);

}  // namespace hone
