// The page around the sections. A content security policy forbids any network access, so the file proves what
// it promises: it shows the same thing wherever it is opened.
#include <fmt/format.h>

#include "report/html_parts.h"
#include "report/report.h"
#include "report/style.h"
#include "report/text.h"

namespace hone {

std::string render_html(const RunReport& report) {
  const std::string name = report.name.empty() ? "Run" : report.name;
  std::string html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  html +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n";
  html +=
      fmt::format("<title>{} \u2013 hone report</title>\n", layout::escape_html(layout::single_line(name)));
  html += fmt::format("<style>{}</style>\n</head>\n<body>\n<main>\n", layout::page_style());
  html += layout::header_section(report);
  html += layout::stages_section(report);
  html += layout::size_section(report);
  html += layout::loss_section(report);
  html += layout::examples_section(report);
  html += layout::facts_section(report);
  html += layout::repeat_section(report);
  html += layout::notes_section(report);
  html += layout::glossary_section();
  html += fmt::format(
      "</main>\n<footer>Written by hone {}. This file needs no network and no other file.</footer>\n",
      layout::escape_html(report.hone_version));
  html += fmt::format("<script>{}</script>\n</body>\n</html>\n", layout::page_script());
  return html;
}

}  // namespace hone
