#include "runtime/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace hone {
namespace {

SamplingOptions options_of(const nlohmann::json& json) {
  SamplingOptions options;
  options.temperature = json["temperature"].get<float>();
  options.top_k = json["top_k"].get<int>();
  options.top_p = json["top_p"].get<float>();
  options.min_p = json["min_p"].get<float>();
  options.repeat_penalty = json["repeat_penalty"].get<float>();
  options.repeat_last_n = json["repeat_last_n"].get<int>();
  return options;
}

TEST(Sampler, DistributionsEqualLlamaCpp) {
  std::ifstream file(std::string(HONE_TEST_DATA) + "/golden/runtime/sampler.json");
  size_t n = 0;
  for (const nlohmann::json& item : nlohmann::json::parse(file)) {
    const auto logits = item["logits"].get<std::vector<float>>();
    const auto history = item["history"].get<std::vector<TokenId>>();
    const auto ids = item["ids"].get<std::vector<TokenId>>();
    const auto kept = sampling_distribution(logits, history, options_of(item["options"]));
    ASSERT_EQ(kept.size(), ids.size()) << item["options"];
    for (size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(kept[i].id, ids[i]) << item["options"];
      EXPECT_NEAR(kept[i].p, item["p"][i].get<double>(), 1e-5) << item["options"];
    }
    ++n;
  }
  EXPECT_EQ(n, 22u);
}

TEST(Sampler, DrawsFollowTheDistribution) {
  const std::vector<float> logits = {0.0f, 1.0f, 2.0f, -1.0f};
  const SamplingOptions options{.temperature = 1.0f, .top_k = 3, .top_p = 1.0f, .min_p = 0.0f};
  Rng rng(1);
  std::map<TokenId, double> counts;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) counts[sample(logits, {}, options, rng)] += 1;
  EXPECT_EQ(counts.count(3), 0u);
  for (const TokenProbability& token : sampling_distribution(logits, {}, options)) {
    const double deviation = std::sqrt(token.p * (1 - token.p) / kDraws);
    EXPECT_NEAR(counts[token.id] / kDraws, token.p, 5 * deviation);
  }
}

TEST(Sampler, GreedyTakesTheLowestOfEquals) {
  Rng rng(1);
  const std::vector<float> logits = {0.5f, 2.0f, 2.0f};
  EXPECT_EQ(sample(logits, {}, {.temperature = 0.0f}, rng), 1);
  const std::vector<TokenId> history = {1};
  EXPECT_EQ(sample(logits, history, {.temperature = 0.0f, .repeat_penalty = 1.5f}, rng), 2);
}

TEST(Sampler, NotFiniteIsAnError) {
  Rng rng(1);
  const std::vector<float> logits = {0.5f, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THROW(sample(logits, {}, {}, rng), Error);
  const std::vector<float> masked = {0.5f, -std::numeric_limits<float>::infinity()};
  EXPECT_EQ(sample(masked, {}, {.top_k = 0, .top_p = 1.0f, .min_p = 0.0f}, rng), 0);
}

TEST(Sampler, OptionsOutOfRangeAreNamed) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::pair<SamplingOptions, const char*>> cases = {
      {{.temperature = -1.0f}, "temperature: got -1"},
      {{.temperature = nan}, "temperature: got nan"},
      {{.top_k = -1}, "top_k: got -1"},
      {{.top_p = 0.0f}, "top_p: got 0"},
      {{.top_p = 1.5f}, "top_p: got 1.5"},
      {{.min_p = -0.5f}, "min_p: got -0.5"},
      {{.min_p = 2.0f}, "min_p: got 2"},
      {{.repeat_penalty = 0.0f}, "repeat_penalty: got 0"},
      {{.repeat_last_n = -2}, "repeat_last_n: got -2"}};
  for (const auto& [options, expected] : cases) {
    try {
      validate(options);
      ADD_FAILURE() << expected;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
    }
  }
  EXPECT_NO_THROW(validate(SamplingOptions{}));
}

}  // namespace
}  // namespace hone
