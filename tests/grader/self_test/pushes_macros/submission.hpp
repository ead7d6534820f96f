#pragma once

#include <gtest/gtest.h>

namespace submission {
inline int answer() { return 0; }
}  // namespace submission

#pragma push_macro("EXPECT_EQ")
#undef EXPECT_EQ
#pragma pop_macro("EXPECT_EQ")
