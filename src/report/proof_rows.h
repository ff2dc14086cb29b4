// Tables of the proof, as rows of plain text: the page and the pull request's text show the same ones.
#pragma once

#include <string>
#include <vector>

#include "report/results.h"

namespace hone::layout {

using TextRows = std::vector<std::vector<std::string>>;

// First row: the head. A task's value in every stage and what changed against the stage before.
TextRows task_rows(const RunReport& report, const TaskTable& table);
// Categories down, stages across; empty without categories.
TextRows category_rows(const TaskTable& table);
TextRows part_rows(const RunReport& report);
TextRows gate_rows(const RunReport& report);
TextRows repair_rows(const RunReport& report);
TextRows speed_rows(const RunReport& report);
// Stages down, buckets across.
TextRows rarity_table(const RunReport& report);
TextRows risk_rows(const RunReport& report);
// What of the risks a reader must mind; only what is sure.
std::vector<std::string> risk_warnings(const RunReport& report);

std::string part_name(const std::string& part);  // "rounding the weights"
std::string task_heading(const TaskTable& table);
// Of each task, what tuning did and what each file costs, in words; nothing that chance explains is called a
// loss.
std::vector<std::string> task_sentences(const RunReport& report);
// Whether tuning was worth it against each rival.
std::vector<std::string> rival_sentences(const RunReport& report);
// "3 of 4 promises are kept."
std::string gates_sentence(const RunReport& report);
// A p below 0.001 is said to be that.
std::string format_p(double p);
// "+0.8", in points of 100 where the metric is a share.
std::string format_change(const Measured& difference);

}  // namespace hone::layout
