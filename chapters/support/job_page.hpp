#pragma once

#include <string_view>

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

/// What a browser may do for the page: nothing that does not come from this server.
inline constexpr const char* page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace asyncio::jobs
