// The verifiable instructions of IFEval (Zhou et al. 2023): each a name, and a check of an answer by rules.
// One line each in instruction_list.cpp. Checks are lm-evaluation-harness's (0.4.13).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "eval/row.h"

namespace hone {

struct Instruction {
  std::string_view id;  // "keywords:existence"
  // arguments: the row's "kwargs". Throws kInvalidArgument when one is missing or wrong.
  bool (*follows)(const std::string& answer, const Row& arguments) = nullptr;
  std::string_view remark = {};  // what is not checked as it is defined
};

std::span<const Instruction> all_instructions() noexcept;
const Instruction* find_instruction(std::string_view id) noexcept;

}  // namespace hone
