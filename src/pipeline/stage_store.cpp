#include "pipeline/stage_store.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/leftovers.h"
#include "base/progress.h"

namespace hone {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

std::string content_hash(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return hash_file(path);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path, error)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Hasher hasher;
  for (const fs::path& file : files) {
    hasher.add(file.lexically_relative(path).string());
    hasher.add(hash_file(file));
  }
  return hasher.digest();
}

std::string key_of(const Json& parts) {
  return hash_text(parts.dump());
}

namespace {

fs::path with_stages(fs::path folder) {
  make_directories(folder / "stages");
  return folder;
}

}  // namespace

StageStore::StageStore(fs::path folder)
    : folder_(with_stages(std::move(folder))), lock_(folder_, "wait for it, or give [run] another name") {
  remove_leftovers(folder_ / "stages");
}

fs::path StageStore::record_path(const std::string& stage) const {
  return folder_ / "stages" / (stage + ".json");
}

std::optional<Json> StageStore::find(const std::string& stage, const std::string& key) {
  const fs::path path = record_path(stage);
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  try {
    const Json record = Json::parse(read_file(path));
    if (record.at("key").get<std::string>() != key) return std::nullopt;
    for (const Json& artifact : record.at("artifacts")) {
      const fs::path file = folder_ / artifact.at("path").get<std::string>();
      if (fs::exists(file, error) && content_hash(file) == artifact.at("hash").get<std::string>()) continue;
      say(fmt::format("{}: {} was changed or removed since; doing it again", stage, file.string()));
      return std::nullopt;
    }
    count(stage, record.value("seconds", 0.0));
    return record.at("result");
  } catch (const Json::exception&) {
    say(fmt::format("{}: {} is damaged; doing it again", stage, path.string()));
    return std::nullopt;
  }
}

void StageStore::save(const std::string& stage, const std::string& key, const Json& result,
                      const std::vector<fs::path>& artifacts, double seconds) {
  Json record;
  record["stage"] = stage;
  record["key"] = key;
  record["artifacts"] = Json::array();
  for (const fs::path& artifact : artifacts)
    record["artifacts"].push_back({{"path", artifact.string()}, {"hash", content_hash(folder_ / artifact)}});
  seconds = std::max(seconds, std::chrono::duration<double>(Clock::now() - last_).count());
  record["seconds"] = seconds;
  record["result"] = result;
  write_file(record_path(stage), record.dump(1));
  count(stage, seconds);
}

void StageStore::count(const std::string& stage, double seconds) {
  seconds_[stage] = seconds;
  last_ = Clock::now();
}

double StageStore::seconds() const {
  double all = 0;
  for (const auto& [stage, seconds] : seconds_) all += seconds;
  return all;
}

}  // namespace hone
