// One process at a time in a folder, and a clean folder for it: what a killed process left half-written goes
// away.
#pragma once

#include <filesystem>

namespace hone {

class FolderLock {
 public:
  // The folder must exist. Throws kIo when it cannot be written, or another process holds it; `hint` then
  // says what to do. Removes what writers that no longer run have left: NAME.PID.tmp (atomic_file.h) and
  // .PID.partial; puts back NAME.PID.old (replace.h) where NAME is missing.
  FolderLock(const std::filesystem::path& folder, const char* hint);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

// The leftovers alone, of a folder that the caller holds.
void remove_leftovers(const std::filesystem::path& folder);

}  // namespace hone
