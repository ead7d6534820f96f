#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coro.hpp"
#include "http_message.hpp"
#include "job_record.hpp"

namespace asyncio::jobs {

// The page that shows a server at work. Its three files are string literals: they begin with R"page( and end
// with )page".

inline constexpr std::string_view page_html =
#include "page.html"
    ;
inline constexpr std::string_view page_css =
#include "page.css"
    ;
inline constexpr std::string_view page_js =
#include "page.js"
    ;

/// The policy of the page: a browser may load nothing that does not come from this server.
inline constexpr const char* page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers with one of the three.
inline Coro<http::Response> answer_page(std::string_view type, std::string_view text) {
  co_return http::Response{
      .body = std::string(text),
      .content_type = std::string(type),
      .headers = {{"Content-Security-Policy", page_policy}, {"Referrer-Policy", "no-referrer"}}};
}

/// Describes a worker as the page shows it.
/// @param slot its WorkerPool::Slot
/// @param job the one that it runs
template <class Slot>
Json describe(const Slot& slot, std::size_t index, std::optional<std::int64_t> job) {
  return {{"index", index},
          {"place", to_string(slot.place)},
          {"pid", slot.process.pid > 0 ? Json(slot.process.pid) : Json(nullptr)},
          {"job", or_null(job)},
          {"restarts", slot.restarts}};
}

}  // namespace asyncio::jobs
