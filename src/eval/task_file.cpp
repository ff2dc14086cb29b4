#include "eval/task_file.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "data/json_lines.h"

namespace hone {

TaskFile read_task_file(const Task& task, const std::filesystem::path& path, size_t limit) {
  TaskFile file{.task = &task, .path = path, .content_hash = {}, .items = {}};
  for (const JsonRecord& record : read_json_records(path)) {
    if (limit > 0 && file.items.size() == limit) break;
    const Row row(record.value, fmt::format("{}:{}: {}", path.string(), record.line, task.name),
                  std::string(task.columns));
    file.items.push_back(task.read(row));
    file.items.back().line = record.line;
  }
  file.content_hash = hash_file(path);
  return file;
}

}  // namespace hone
