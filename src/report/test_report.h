// For the tests of this room: the sample run, hostile strings, and a strict little reader of the markup we
// write.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "report/report.h"

namespace hone::test {

inline nlohmann::ordered_json sample_json() {
  std::ifstream file(std::string(HONE_TEST_DATA) + "/golden/report/sample.json");
  EXPECT_TRUE(file.good());
  return nlohmann::ordered_json::parse(file);
}

inline RunReport sample_report() {
  return from_json(sample_json());
}

inline size_t count_of(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// Checks that tags nest, attributes are quoted, ids are unique, and text holds no stray '<' or bare '&'.
class MarkupCheck {
 public:
  explicit MarkupCheck(std::string_view html) : html_(html) {
    while (error_.empty() && at_ < html_.size()) html_[at_] == '<' ? tag() : text();
    if (error_.empty() && !open_.empty()) error_ = "not closed: " + open_.back();
  }
  const std::string& error() const { return error_; }

 private:
  static bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == ':'; }
  void wrong(const std::string& what) {
    if (error_.empty()) error_ = what + " near: " + std::string(html_.substr(at_ > 60 ? at_ - 60 : 0, 120));
  }
  std::string name() {
    const size_t first = at_;
    while (at_ < html_.size() && is_name(html_[at_])) ++at_;
    return std::string(html_.substr(first, at_ - first));
  }
  void text() {
    if (html_[at_] == '>') wrong("stray >");
    if (html_[at_] == '&') {
      const std::string_view rest = html_.substr(at_, 7);
      bool known = false;
      for (const std::string_view entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"}) {
        known = known || rest.starts_with(entity);
      }
      if (!known) wrong("bare &");
    }
    ++at_;
  }
  void attributes(bool& self_closing) {
    while (error_.empty() && at_ < html_.size() && html_[at_] != '>') {
      if (std::isspace(static_cast<unsigned char>(html_[at_]))) {
        ++at_;
      } else if (html_[at_] == '/') {
        self_closing = true;
        ++at_;
      } else {
        attribute();
      }
    }
    ++at_;
  }
  void attribute() {
    const std::string key = name();
    if (key.empty()) return wrong("bad attribute");
    if (at_ >= html_.size() || html_[at_] != '=') return;  // such as "open"
    if (html_[++at_] != '"') return wrong("unquoted " + key);
    const size_t end = html_.find('"', at_ + 1);
    if (end == html_.npos) return wrong("unclosed " + key);
    const std::string value(html_.substr(at_ + 1, end - at_ - 1));
    if (value.find('<') != value.npos) wrong("< in " + key);
    if (key == "id" && !ids_.insert(value).second) wrong("second id " + value);
    at_ = end + 1;
  }
  void tag() {
    if (html_.substr(at_).starts_with("<!doctype html>")) {
      at_ += 15;
      return;
    }
    ++at_;
    const bool closing = at_ < html_.size() && html_[at_] == '/';
    if (closing) ++at_;
    const std::string element = name();
    if (element.empty()) return wrong("stray <");
    bool self_closing = false;
    attributes(self_closing);
    if (closing) {
      if (open_.empty() || open_.back() != element) return wrong("</" + element + "> does not match");
      open_.pop_back();
      return;
    }
    static const std::set<std::string> kVoid = {"meta", "link", "input", "br"};
    if (self_closing || kVoid.contains(element)) return;
    if (element == "script" || element == "style") {
      const size_t end = html_.find("</" + element + ">", at_);
      if (end == html_.npos) return wrong("unclosed " + element);
      at_ = end + element.size() + 3;
      return;
    }
    open_.push_back(element);
  }

  std::string_view html_;
  size_t at_ = 0;
  std::vector<std::string> open_;
  std::set<std::string> ids_;
  std::string error_;
};

inline std::string markup_error(std::string_view html) {
  return MarkupCheck(html).error();
}

}  // namespace hone::test
