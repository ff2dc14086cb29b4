// The page around the sections. A content security policy forbids any network access, so the file proves what
// it promises: it shows the same thing wherever it is opened.
#include <fmt/format.h>

#include "report/html_parts.h"
#include "report/report.h"
#include "report/style.h"
#include "report/text.h"

namespace hone {

std::string layout::page(const std::string& title, const std::string& body, const std::string& hone_version) {
  std::string html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  html +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n";
  html += fmt::format("<title>{} \u2013 hone report</title>\n", escape_html(single_line(title)));
  html += fmt::format("<style>{}</style>\n</head>\n<body>\n<main>\n", page_style());
  html += body;
  html += fmt::format(
      "</main>\n<footer>Written by hone {}. This file needs no network and no other file.</footer>\n",
      escape_html(hone_version));
  html += fmt::format("<script>{}</script>\n</body>\n</html>\n", page_script());
  return html;
}

std::string render_html(const RunReport& report) {
  std::string body = layout::header_section(report);
  body += layout::stages_section(report);
  body += layout::size_section(report);
  body += layout::loss_section(report);
  body += layout::examples_section(report);
  body += layout::facts_section(report);
  body += layout::repeat_section(report);
  body += layout::notes_section(report);
  body += layout::glossary_section();
  return layout::page(report.name.empty() ? "Run" : report.name, body, report.hone_version);
}

}  // namespace hone
