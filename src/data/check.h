// What `hone data check` tells about a dataset before anybody trains on it. Computes only; printing is the
// command's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace hone {

struct LengthStats {
  size_t n = 0, min = 0, p50 = 0, p90 = 0, p99 = 0, max = 0;
  double mean = 0;
};
// Nearest-rank percentiles.
LengthStats length_stats(std::vector<size_t> lengths);

struct DataCheck {
  size_t n_chats = 0, n_messages = 0;
  LengthStats tokens, supervised;  // per sample; n = 0 without samples
  size_t n_truncated = 0;
  // Chats equal to an earlier one: byte for byte, and after normalization (case, punctuation, spaces); the
  // second count does not include the first.
  size_t exact_duplicates = 0, near_duplicates = 0;
  std::vector<std::pair<size_t, size_t>> duplicate_lines;  // (line, earlier line), the first few
};
// samples may be empty (no model at hand).
DataCheck check_chats(const std::vector<ChatRecord>& chats, const std::vector<Sample>& samples);

// Words, each as it is but in lower case and without punctuation (both ASCII), between single spaces: what
// lm-evaluation-harness's decontamination compares. Words of punctuation alone vanish.
std::string normalized(std::string_view text);

}  // namespace hone
