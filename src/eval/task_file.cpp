#include "eval/task_file.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"
#include "data/json_lines.h"

namespace hone {

TaskFile read_task_file(const Task& task, const std::filesystem::path& path, size_t limit) {
  TaskFile file{.task = &task, .path = path, .content_hash = {}, .items = {}};
  size_t n_rows = 0;
  for (const JsonRecord& record : read_json_records(path)) {
    if (limit > 0 && n_rows++ == limit) break;
    const Row row(record.value, fmt::format("{}:{}: {}", path.string(), record.line, task.name),
                  std::string(task.columns));
    TaskItem item = task.read(row);
    item.line = record.line;
    if (item.left_out.empty())
      file.items.push_back(std::move(item));
    else
      ++file.left_out[item.left_out];
  }
  if (file.items.empty())
    fail(ErrorCode::kNotSupported, "{}: {}: got no row that can be judged; the first reason: {}",
         path.string(), task.name, file.left_out.begin()->first);
  file.content_hash = hash_file(path);
  return file;
}

}  // namespace hone
