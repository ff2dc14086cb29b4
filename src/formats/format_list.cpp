// The list of formats. A new format is one file beside this one, a declaration in format_list.h, and a line
// here.
#include "formats/format_list.h"

#include <array>
#include <string>

#include "base/error.h"

namespace hone {

namespace {

constexpr std::array<const Format*, 26> kFormats = {
    &kFormatF32,      //
    &kFormatF16,      //
    &kFormatBF16,     //
    &kFormatQ8_0,     //
    &kFormatQ6_K,     //
    &kFormatQ5_K,     //
    &kFormatQ4_K,     //
    &kFormatQ5_1,     //
    &kFormatQ5_0,     //
    &kFormatQ4_1,     //
    &kFormatQ4_0,     //
    &kFormatIQ4_NL,   //
    &kFormatIQ4_XS,   //
    &kFormatMXFP4,    //
    &kFormatNVFP4,    //
    &kFormatIQ3_S,    //
    &kFormatQ3_K,     //
    &kFormatIQ3_XXS,  //
    &kFormatQ2_K,     //
    &kFormatIQ2_S,    //
    &kFormatIQ2_XS,   //
    &kFormatIQ2_XXS,  //
    &kFormatTQ2_0,    //
    &kFormatIQ1_M,    //
    &kFormatTQ1_0,    //
    &kFormatIQ1_S,    //
};

std::string known_names() {
  std::string names;
  for (const Format* format : kFormats) {
    if (!names.empty()) names += ", ";
    names += format->name;
  }
  return names;
}

}  // namespace

std::span<const Format* const> all_formats() noexcept {
  return kFormats;
}

const Format* find_format(FormatId id) noexcept {
  for (const Format* format : kFormats)
    if (format->id == id) return format;
  return nullptr;
}

const Format* find_format(std::string_view name) noexcept {
  for (const Format* format : kFormats)
    if (format->name == name) return format;
  return nullptr;
}

const Format& format_of(FormatId id) {
  const Format* format = find_format(id);
  if (format == nullptr)
    fail(ErrorCode::kNotSupported, "weight format: got GGUF type {}, expected one of: {}",
         static_cast<uint32_t>(id), known_names());
  return *format;
}

const Format& format_named(std::string_view name) {
  const Format* format = find_format(name);
  if (format == nullptr)
    fail(ErrorCode::kInvalidArgument, "weight format: got \"{}\", expected one of: {}", name, known_names());
  return *format;
}

}  // namespace hone
