// Loss by how often a token was seen in training.
#include "pipeline/run_report.h"

namespace hone {
namespace {

const RarityBucket* same_bucket(const MeasuredStage& stage, const RarityBucket& bucket) {
  for (const RarityBucket& other : stage.measurement.rarity)
    if (other.low == bucket.low) return &other;
  return nullptr;
}

// Documents without such tokens would only be noise of the resampling.
std::vector<DocumentScore> with_tokens(const std::vector<DocumentScore>& documents) {
  std::vector<DocumentScore> out;
  for (const DocumentScore& d : documents)
    if (d.count > 0) out.push_back(d);
  return out;
}

}  // namespace

std::vector<RarityRow> rarity_rows(const std::vector<MeasuredStage>& stages) {
  std::vector<RarityRow> out;
  for (const MeasuredStage& stage : stages) {
    const MeasuredStage* from = stage_before(stages, stage);
    for (const RarityBucket& bucket : stage.measurement.rarity) {
      const Estimate loss = bootstrap_mean(with_tokens(bucket.nll));
      RarityRow row{.low = bucket.low,
                    .high = bucket.high,
                    .n = loss.n,
                    .stage = stage.result.name,
                    .loss = measured(loss),
                    .against = {}};
      if (const RarityBucket* other = from == nullptr ? nullptr : same_bucket(*from, bucket))
        row.against = measured(bootstrap_mean(with_tokens(differences(bucket.nll, other->nll))));
      out.push_back(std::move(row));
    }
  }
  return out;
}

}  // namespace hone
