// What commands that make or measure something leave in the ledger: they fill common.entry->record(), call
// begin_record() once their inputs are read and found good, and add outputs and metrics when they are done.
// main.cpp does the rest.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "report/results.h"

namespace hone::cli {

// $HONE_HOME/ledger.db; throws kNotFound when there is no home.
std::filesystem::path ledger_path();
// This call, not begun.
LedgerEntry make_entry(std::string_view command, const std::vector<std::string>& arguments);
void begin_record(const CommonOptions& common);
// One "key = value" a line: settings in the form of a recipe.
std::string settings_text(const Json& settings);
// Every figure of the stages, by stage and name.
std::vector<RecordedMetric> metrics_of(const RunReport& report);
std::string absolute_path(const std::filesystem::path& path);

}  // namespace hone::cli
