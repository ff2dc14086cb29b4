// What held-out texts share with training texts: runs of n words (Brown et al. 2020, appendix C, with n =
// 13), and whole texts. A test that was trained on measures memory.
#pragma once

#include <string>
#include <vector>

#include "data/documents.h"

namespace hone {

struct ContaminationOptions {
  size_t n = 13;        // words of a run
  size_t shortest = 8;  // a part of fewer than n words, but at least as many, is a run as a whole
  size_t worst = 10;    // how many matches to keep
};

struct ContaminationMatch {
  size_t line = 0;        // held-out
  size_t train_line = 0;  // where the matched text stands first
  bool duplicate = false;
  double share = 0;  // of the document's words that lie in shared runs
  std::string text;  // the longest stretch of them, normalized
};

struct Contamination {
  size_t n_documents = 0;
  size_t n_compared = 0;    // long enough to have a run
  size_t n_shared = 0;      // with a run that the training texts have
  size_t n_duplicates = 0;  // equal to a training document after normalization, of any length
  size_t n_known = 0;       // either
  size_t n_runs = 0, n_shared_runs = 0;
  std::vector<ContaminationMatch> worst;  // by share of words; then in the file's order
};
// Words are compared as normalized() leaves them; runs do not cross parts. n and shortest are at least 1.
Contamination find_contamination(const std::vector<Document>& train, const std::vector<Document>& held_out,
                                 const ContaminationOptions& options = {});

}  // namespace hone
