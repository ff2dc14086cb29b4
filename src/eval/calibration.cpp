#include "eval/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "eval/plain_text.h"

namespace hone {
namespace {

// How sure the model was of its answer, whether that was right, and the Brier score of all choices.
struct Answer {
  double confidence = 0, right = 0, brier = 0;
};

Answer answer_of(const TaskItem& item, const std::vector<double>& scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const double s : scores) sum += std::exp(s - largest);
  Answer out;
  size_t best = 0;
  for (size_t c = 0; c < scores.size(); ++c) {
    const double p = std::exp(scores[c] - largest) / sum;
    const double gap = p - (c == item.answer ? 1 : 0);
    out.brier += gap * gap;
    if (scores[c] > scores[best]) best = c;
  }
  out.confidence = 1 / sum;  // of the largest
  out.right = best == item.answer ? 1 : 0;
  return out;
}

std::vector<double> per_character(const TaskItem& item, std::vector<double> log_p) {
  for (size_t c = 0; c < log_p.size(); ++c)
    log_p[c] /= static_cast<double>(count_characters(item.choices[c]));
  return log_p;
}

// Bins are (k/15, (k+1)/15], as in the paper.
size_t bin_of(double confidence) {
  const auto bin = static_cast<size_t>(std::ceil(confidence * static_cast<double>(kCalibrationBins)));
  return std::clamp<size_t>(bin, 1, kCalibrationBins) - 1;
}

std::vector<ReliabilityBin> bins_of(const std::vector<Answer>& answers, const std::vector<size_t>& which) {
  std::vector<ReliabilityBin> bins(kCalibrationBins);
  for (size_t b = 0; b < bins.size(); ++b) {
    bins[b].low = static_cast<double>(b) / static_cast<double>(kCalibrationBins);
    bins[b].high = static_cast<double>(b + 1) / static_cast<double>(kCalibrationBins);
  }
  for (const size_t i : which) {
    ReliabilityBin& bin = bins[bin_of(answers[i].confidence)];
    bin.n += 1;
    bin.confidence += answers[i].confidence;
    bin.accuracy += answers[i].right;
  }
  for (ReliabilityBin& bin : bins) {
    if (bin.n == 0) continue;
    bin.confidence /= static_cast<double>(bin.n);
    bin.accuracy /= static_cast<double>(bin.n);
  }
  return bins;
}

double ece_of(const std::vector<ReliabilityBin>& bins) {
  double error = 0, n = 0;
  for (const ReliabilityBin& bin : bins) {
    error += static_cast<double>(bin.n) * std::abs(bin.accuracy - bin.confidence);
    n += static_cast<double>(bin.n);
  }
  return error / n;
}

// Sorted by confidence and cut into 15 parts, the first ones longer by one where it does not divide.
double ece_by_mass(std::vector<Answer> answers) {
  std::stable_sort(answers.begin(), answers.end(),
                   [](const Answer& a, const Answer& b) { return a.confidence < b.confidence; });
  const size_t n = answers.size(), length = n / kCalibrationBins, longer = n % kCalibrationBins;
  double error = 0;
  for (size_t b = 0, at = 0; b < kCalibrationBins; ++b) {
    double gap = 0;
    for (const size_t end = at + length + (b < longer ? 1 : 0); at < end; ++at)
      gap += answers[at].right - answers[at].confidence;
    error += std::abs(gap);
  }
  return error / static_cast<double>(n);
}

Calibration calibration_of(std::string suffix, const std::vector<Answer>& answers, uint64_t seed) {
  Calibration out;
  out.suffix = std::move(suffix);
  std::vector<size_t> all(answers.size());
  std::iota(all.begin(), all.end(), size_t{0});
  out.bins = bins_of(answers, all);
  out.ece =
      bootstrap_statistic(answers.size(), seed, ece_of(out.bins),
                          [&](const std::vector<size_t>& drawn) { return ece_of(bins_of(answers, drawn)); });
  out.ece_mass = ece_by_mass(answers);
  std::vector<double> brier;
  for (const Answer& answer : answers) {
    brier.push_back(answer.brier);
    out.confidence += answer.confidence / static_cast<double>(answers.size());
    out.accuracy += answer.right / static_cast<double>(answers.size());
  }
  out.brier = mean_of_items(brier, seed);
  return out;
}

}  // namespace

std::vector<Calibration> calibrations(const TaskResult& result, uint64_t seed) {
  const TaskFile& file = *result.file;
  const auto of_several = [](const TaskItem& item) { return !item.true_choices.empty(); };
  if (file.task->kind != TaskKind::kChoice || std::any_of(file.items.begin(), file.items.end(), of_several))
    return {};
  std::vector<Answer> plain, normalised;
  for (size_t i = 0; i < file.items.size(); ++i) {
    const std::vector<double>& log_p = result.items[i].log_likelihoods;
    plain.push_back(answer_of(file.items[i], log_p));
    if (file.task->normalised)
      normalised.push_back(answer_of(file.items[i], per_character(file.items[i], log_p)));
  }
  std::vector<Calibration> out;
  out.push_back(calibration_of("", plain, seed));
  if (file.task->normalised) out.push_back(calibration_of("_norm", normalised, seed));
  return out;
}

std::string calibration_protocol(const Calibration& calibration) {
  return fmt::format(
      "confidence: the largest of a softmax over the choices' log p{}; ece: {} bins of equal width; brier: "
      "sum "
      "over choices",
      calibration.suffix.empty() ? "" : " per character", kCalibrationBins);
}

}  // namespace hone
