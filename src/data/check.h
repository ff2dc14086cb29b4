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

struct OverlapCheck {
  size_t n_questions = 0;    // of `held_out`
  size_t n_overlapping = 0;  // with at least half of their n-grams in `train`'s questions
  size_t n_identical = 0;    // equal after normalization; among the overlapping
  std::vector<std::pair<size_t, size_t>>
      lines;  // (held-out line, train line of a shared n-gram), the first few
};
// A question is a chat's user messages, joined. n-grams are of `n` normalized words; a shorter question is
// one n-gram.
OverlapCheck check_overlap(const std::vector<ChatRecord>& train, const std::vector<ChatRecord>& held_out,
                           size_t n = 8);

// Lower-case ASCII letters, digits and bytes above 0x7f; everything else is one space.
std::string normalized(std::string_view text);

}  // namespace hone
