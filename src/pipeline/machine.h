// Facts about the machine that a run checks before it starts and reports afterwards. Memory is in
// base/memory.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hone {

// "AMD EPYC 9R45, 2 threads, 24 GiB memory".
std::string machine_description(int n_threads);
// Free bytes for this user on the file system of `path` (its nearest existing parent). UINT64_MAX when
// unknown.
uint64_t free_disk_bytes(const std::filesystem::path& path);
// UTC, "2026-01-31 12:00 UTC".
std::string now_text();

}  // namespace hone
