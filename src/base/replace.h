// One finished file or folder takes the place of another. Neither reader nor crash sees a moment without a
// whole one under the name, as far as the file system can do it.
#pragma once

#include <filesystem>

namespace hone {

// Puts `from` (complete; on the same file system, beside or below the folder of `to`) at `to`; what was there
// is removed. Both files or both folders, or nothing at `to`. In this order:
// 1. the folder `from` is synced (its files are: atomic_file.h);
// 2. nothing at `to`, or a file: one rename;
// 3. a folder at `to`: the two names are exchanged in one step (renameat2), then the old one, now under the
// name
//    `from`, is removed;
// 4. where the file system cannot exchange names: replace_folder_in_steps.
// Throws kIo; then `to` is what it was, and `from` is still the caller's.
void replace_whole(const std::filesystem::path& from, const std::filesystem::path& to);

// The fallback: `to` moves aside to "NAME.PID.old", `from` moves in, the old one is removed. A process killed
// between the first two leaves the old folder whole under that name; remove_leftovers() (leftovers.h) puts
// it back.
void replace_folder_in_steps(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace hone
