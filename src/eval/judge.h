// What a text that a model wrote is worth: scores by the task's metrics, and right or wrong.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "eval/evaluate.h"
#include "eval/task.h"

namespace hone {

struct JudgeOptions {
  std::string match = {};  // a matcher by name, or an object of settings in JSON; empty: the task's
  std::string match_where = "--match";    // where it was given, for errors
  std::vector<std::string> command = {};  // a program that judges, with its arguments; empty: none
  double command_seconds = 10;            // that it may take for one answer
};

struct Judgement {
  std::vector<DocumentScore> scores;  // by metrics(): of one thing, or of several in an item
  std::string extracted;              // what of the answer was compared
  bool correct = false;
};

class Judge {
 public:
  virtual ~Judge() = default;
  virtual std::vector<std::string> metrics() const = 0;
  // answer: as it was written. Throws what the matchers throw.
  virtual Judgement judge(const TaskItem& item, const std::string& answer) const = 0;
  // What stands in protocols: which matcher, with which settings.
  virtual std::string description() const = 0;
  // What could not be judged as defined, for people; called when all is judged.
  virtual std::vector<std::string> remarks(const TaskFile&) const { return {}; }
};

}  // namespace hone
