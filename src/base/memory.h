// How much memory this process has used and may still use, as the kernel tells it.
#pragma once

#include <cstdint>
#include <string>

namespace hone {

// The most this process has ever had resident (VmHWM); 0 when the kernel does not say.
uint64_t peak_rss_bytes();
// Resident now (VmRSS).
uint64_t resident_bytes();
// What can still be allocated without swapping, cut by the limits of control groups (containers) and of
// `ulimit -v`; UINT64_MAX when unknown.
uint64_t available_memory_bytes();
// "1.25 GB", "640 MB", "12 kB" (powers of ten).
std::string format_bytes(uint64_t bytes);
// "6.5GB", "800 MB", "4GiB", "1073741824": powers of ten, or of 1024 with an i; at least one byte. Throws
// kInvalidArgument that begins with `where`.
uint64_t parse_bytes(const std::string& where, const std::string& text);

}  // namespace hone
