#include "base/private_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.h"

namespace hone {

PrivateFolder::PrivateFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "hone-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    fail(ErrorCode::kIo, "{}: cannot make a temporary folder: {}; set TMPDIR to one that can be written",
         name, std::strerror(errno));
  path_ = name;
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace hone
