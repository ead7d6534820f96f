// A lesson's test in small. Each folder beside this file has a submission.hpp that does not solve it, and
// does something else about it; honest/ solves it. What they do is dealt with in grader_test.cpp.

#include "submission.hpp"

#include <gtest/gtest.h>

TEST(Step1_Answer, TheAnswerIs42) { EXPECT_EQ(submission::answer(), 42) << "six times seven"; }
