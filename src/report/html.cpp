// The page around the parts. A content security policy forbids any network access, so the file proves what it
// promises: it shows the same thing wherever it is opened.
#include <fmt/format.h>

#include "report/html_parts.h"
#include "report/report.h"
#include "report/style.h"
#include "report/text.h"

namespace hone {
namespace layout {
namespace {

constexpr size_t kMostEmbedded =
    512 << 10;  // bytes of JSON; of larger ones the page names the file beside it

struct Section {
  const char *id, *title, *short_title;
  std::string (*body)(const RunReport&);
};
constexpr Section kSections[] = {
    {"stages", "What each stage kept and lost", "Stages", stages_section},
    {"gates", "What the recipe promised", "Promises", gates_section},
    {"tasks", "Questions answered", "Tasks", tasks_section},
    {"gain", "Share of the gain that each step keeps", "Gain kept", gain_section},
    {"parts", "Where the loss comes from", "Parts", parts_section},
    {"rarity", "Loss on rare words", "Rare words", rarity_section},
    {"risks", "Risks of tuning", "Risks", risks_section},
    {"speed", "What it takes to run", "Speed", speed_section},
    {"sensitivity", "Which parts suffer from rounding", "Sensitivity", sensitivity_section},
    {"size", "Quality against size", "Size", size_section},
    {"distance", "Distance from the reference", "Distance", distance_section},
    {"loss", "How the tuning went", "Tuning", loss_section},
    {"examples", "Example answers", "Examples", examples_section},
    {"done", "What was done", "Facts", facts_section},
    {"repeat", "How to repeat it", "Repeat", repeat_section},
    {"notes", "Notes", "Notes", notes_section},
    {"terms", "The terms in plain words", "Terms", glossary_section},
};

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < n ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (size_t j = 0; j < 4; ++j) out += j <= n ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::string top_bar(const Page& page) {
  std::string tools = "<button type=\"button\" class=\"tool theme\" hidden>Dark</button>";
  if (!page.data.empty()) {
    const std::string size = format_bytes(page.data.size());
    tools += page.data.size() <= kMostEmbedded
                 ? fmt::format(
                       "<a class=\"tool\" download=\"{}\" href=\"data:application/json;base64,{}\">Data "
                       "(JSON, {})</a>",
                       escape_html(page.data_name), base64(page.data), size)
                 : fmt::format("<span class=\"tool\">Data: {} beside this page, {}</span>",
                               escape_html(page.data_name), size);
  }
  return fmt::format(
      "<div class=\"top\"><p class=\"eyebrow\">hone {}</p><div class=\"tools\">{}</div></div>\n",
      escape_html(page.kind), tools);
}

std::string contents(const Page& page) {
  std::string links;
  size_t n = 0;
  for (const PagePart& part : page.parts) {
    if (part.body.empty()) continue;
    links += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", part.id, escape_html(part.short_title));
    ++n;
  }
  if (n < 2) return "";
  return "<nav class=\"contents\" aria-label=\"Contents\"><ul>\n" + links + "</ul></nav>\n";
}

std::string section(const PagePart& part) {
  if (part.body.empty()) return "";
  return fmt::format(
      "<section aria-labelledby=\"{0}\">\n<h2 id=\"{0}\">{1}<a class=\"anchor\" href=\"#{0}\" "
      "aria-label=\"Link to "
      "this part\">#</a></h2>\n{2}</section>\n",
      part.id, escape_html(part.title), part.body);
}

}  // namespace

std::string page(const Page& page) {
  std::string html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  html +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n";
  html += fmt::format("<title>{} \u2013 hone {}</title>\n", escape_html(single_line(page.title)),
                      escape_html(page.kind));
  // The script stands before the body, so that a remembered colour scheme is there from the first frame.
  html += fmt::format("<style>{}</style>\n<script>{}</script>\n</head>\n<body>\n<main>\n", page_style(),
                      page_script());
  html += top_bar(page) + page.header + contents(page);
  for (const PagePart& part : page.parts) html += section(part);
  html += fmt::format(
      "</main>\n<footer>Written by hone {}. This file needs no network and no other file.</footer>\n"
      "</body>\n</html>\n",
      escape_html(page.hone_version));
  return html;
}

}  // namespace layout

std::string render_html(const RunReport& report) {
  layout::Page page{.title = report.name.empty() ? "Run" : report.name,
                    .kind = "report",
                    .header = layout::header_section(report),
                    .parts = {},
                    .hone_version = report.hone_version,
                    .data_name = "report.json",
                    .data = to_json(report).dump()};
  for (const layout::Section& s : layout::kSections)
    page.parts.push_back({s.id, s.title, s.short_title, s.body(report)});
  return layout::page(page);
}

}  // namespace hone
