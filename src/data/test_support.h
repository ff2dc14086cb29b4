// The text of an expected error; a folder for files.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "base/folder_test_support.h"

namespace hone {

// The message of the Error that action throws; "" (and a failure) when it throws none or another code.
template <typename Action>
std::string error_of(ErrorCode code, Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error_code_name(error.code()), std::string(error_code_name(code))) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

}  // namespace hone
