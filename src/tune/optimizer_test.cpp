#include "tune/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "io/safetensors.h"

namespace hone {
namespace {

constexpr size_t kSteps = 10;

std::vector<double> doubles(const SafetensorsFile& file, const std::string& name) {
  const SafeTensor* tensor = file.find(name);
  EXPECT_NE(tensor, nullptr) << name;
  std::vector<double> values(tensor->data.size() / 8);
  std::memcpy(values.data(), tensor->data.data(), tensor->data.size());
  return values;
}

void copy(const SafetensorsFile& file, const std::string& name, Tensor& to) {
  const SafeTensor* tensor = file.find(name);
  ASSERT_NE(tensor, nullptr) << name;
  to = Tensor::empty({tensor->shape.begin(), tensor->shape.end()});
  std::memcpy(to.data(), tensor->data.data(), tensor->data.size());
}

void follow_torch(const std::string& tag, double weight_decay, double clip) {
  const SafetensorsFile file(HONE_TEST_DATA "/golden/tune/adamw.safetensors");
  Parameter parameters[2];
  for (size_t i = 0; i < 2; ++i) copy(file, tag + ".start." + std::to_string(i), parameters[i].value);
  AdamW optimizer({&parameters[0], &parameters[1]}, {.weight_decay = weight_decay});
  const std::vector<double> rates = doubles(file, tag + ".rate");
  for (size_t step = 0; step < kSteps; ++step) {
    const std::string at = std::to_string(step) + ".";
    for (size_t i = 0; i < 2; ++i) copy(file, tag + ".grad." + at + std::to_string(i), parameters[i].grad);
    const double norm = clip_gradients(optimizer.parameters(), clip);
    if (clip > 0) {
      EXPECT_NEAR(norm, doubles(file, tag + ".norm")[step], 1e-6 * norm);
    }
    optimizer.step(rates[step]);
    for (size_t i = 0; i < 2; ++i) {
      Tensor expected;
      copy(file, tag + ".after." + at + std::to_string(i), expected);
      for (size_t j = 0; j < expected.size(); ++j) {
        const float want = expected.data()[j];
        EXPECT_NEAR(parameters[i].value.data()[j], want,
                    1e-6 * std::max(0.01, std::fabs(static_cast<double>(want))))
            << tag << " step " << step << " parameter " << i << " element " << j;
      }
      EXPECT_EQ(parameters[i].grad.data()[0], 0.0f);
    }
  }
}

TEST(AdamW, FollowsTorch) {
  follow_torch("plain", 0.0, 0.0);
}
TEST(AdamW, FollowsTorchWithDecayAndClipping) {
  follow_torch("decay_clip", 0.1, 1.0);
}

TEST(AdamW, LeavesParametersWithoutGradient) {
  Parameter p;
  p.value = Tensor::from({2}, {1.0f, -2.0f});
  AdamW optimizer({&p}, {.weight_decay = 0.5});
  optimizer.step(0.1);
  EXPECT_EQ(p.value.data()[0], 1.0f);
}

TEST(Clip, ScalesAllGradientsTogether) {
  Parameter p, q;
  p.value = q.value = Tensor::zeros({1});
  p.grad = Tensor::from({1}, {3.0f});
  q.grad = Tensor::from({1}, {4.0f});
  EXPECT_DOUBLE_EQ(clip_gradients({&p, &q}, 10.0), 5.0);
  EXPECT_EQ(p.grad.data()[0], 3.0f);
  EXPECT_DOUBLE_EQ(clip_gradients({&p, &q}, 1.0), 5.0);
  EXPECT_NEAR(p.grad.data()[0], 0.6f, 1e-6);
  EXPECT_NEAR(q.grad.data()[0], 0.8f, 1e-6);
}

TEST(Clip, NanStaysVisible) {
  Parameter p;
  p.value = Tensor::zeros({1});
  p.grad = Tensor::from({1}, {std::numeric_limits<float>::quiet_NaN()});
  EXPECT_TRUE(std::isnan(clip_gradients({&p}, 1.0)));
}

}  // namespace
}  // namespace hone
