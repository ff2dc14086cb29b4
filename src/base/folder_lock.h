// One process at a time in a folder, and a clean folder for it: what a killed process left half-written goes
// away.
#pragma once

#include <filesystem>

namespace hone {

class FolderLock {
 public:
  // The folder must exist. Throws kIo when it cannot be written, or another process holds it; `hint` then
  // says what to do. Calls remove_leftovers() (leftovers.h).
  FolderLock(const std::filesystem::path& folder, const char* hint);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace hone
