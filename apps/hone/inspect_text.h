// How `hone inspect` shows what it found: for people, and for scripts.
#pragma once

#include <string>

#include "command.h"
#include "inspect/contents.h"
#include "inspect/diff.h"

namespace hone::cli {

// all: nothing shortened. hash: empty when it was not asked for.
Json inspect_json(const Contents& contents, const std::string& hash, bool all);
std::string inspect_text(const Contents& contents, const std::string& hash, bool all);

Json diff_json(const Contents& a, const Contents& b, const Diff& diff, bool all);
std::string diff_text(const Contents& a, const Contents& b, const Diff& diff, bool all);

// A metadata value on one line; arrays and long texts shortened unless `all`.
std::string value_text(const MetaValue& value, bool all);
Json value_json(const MetaValue& value, bool all);

}  // namespace hone::cli
