// Results of stages, cached by content: a stage is done when its record carries the same key (a hash of the
// inputs' hashes, the settings and the stage's version) and every artifact it names is still there, byte for
// byte. Records are written last and atomically, so a run stopped at any point goes on from its last finished
// stage.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/folder_lock.h"

namespace hone {

// Content of a model argument or data file: the file's hash, or for a folder of all its files by name.
std::string content_hash(const std::filesystem::path& path);
// A stage's key from what it is made of.
std::string key_of(const nlohmann::ordered_json& parts);

class StageStore {
 public:
  // Creates the run's folder and locks it; throws kIo when it cannot be written or another run holds it.
  explicit StageStore(std::filesystem::path folder);

  const std::filesystem::path& folder() const noexcept { return folder_; }

  // The stored result of a stage done with this key, artifacts intact.
  std::optional<nlohmann::ordered_json> find(const std::string& stage, const std::string& key);
  // Paths of artifacts are relative to the folder. What it took is the time since the last record was found
  // or saved; seconds: where that is more, as for training that was stopped and went on.
  void save(const std::string& stage, const std::string& key, const nlohmann::ordered_json& result,
            const std::vector<std::filesystem::path>& artifacts = {}, double seconds = 0);
  // What all records that were found or saved took to make, now or in an earlier call; those of versions that
  // did not keep it count as nothing.
  double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  std::filesystem::path record_path(const std::string& stage) const;
  void count(const std::string& stage, double seconds);

  std::filesystem::path folder_;
  FolderLock lock_;
  std::map<std::string, double> seconds_;  // by stage
  Clock::time_point last_ = Clock::now();
};

}  // namespace hone
