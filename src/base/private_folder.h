// A temporary folder that only this user can read, gone with its owner.
#pragma once

#include <filesystem>

namespace hone {

class PrivateFolder {
 public:
  PrivateFolder();  // throws kIo
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace hone
