# From what `g++ -E -dD test.cpp` prints, `awk -v sources="test.cpp …" -f macros.awk` takes the lines that define or
# undefine a word that the test is written with: one of GoogleTest's, a keyword, or any that stands in its sources.
# With a submission's headers they must be those that there are with the solution's. Compilers carry out push_macro
# and pop_macro and do not print them, which does no harm: what another meaning is pushed from or popped to has a
# #define or #undef of its own.

BEGIN {
  count = split("alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t " \
                "char32_t class co_await co_return co_yield compl concept const consteval constexpr constinit " \
                "const_cast continue decltype default delete do double dynamic_cast else enum explicit export " \
                "extern false final float for friend goto if import inline int long module mutable namespace new " \
                "noexcept not not_eq nullptr operator or or_eq override private protected public register " \
                "reinterpret_cast requires return short signed sizeof static static_assert static_cast struct " \
                "switch template this thread_local throw true try typedef typeid typename union unsigned using " \
                "virtual void volatile wchar_t while xor xor_eq " \
                "__FILE__ __LINE__ __func__ main testing internal std explore AssertionResult AssertionSuccess " \
                "AssertionFailure AssertHelper EqHelper Compare Message Test TestBody TestInfo TestPartResult " \
                "UnitTest TestFactoryImpl MakeAndRegisterTestInfo CodeLocation SuiteApiResolver GetTypeId GetTestTypeId " \
                "test_info_ failure_message value", words, " ")
  for (i = 1; i <= count; i++) protected[words[i]] = 1
  files = split(sources, file, " ")
  for (f = 1; f <= files; f++) {
    while ((getline line < file[f]) > 0) {
      sub(/\/\/.*/, "", line)
      count = split(line, words, /[^A-Za-z0-9_]+/)
      for (i = 1; i <= count; i++) if (words[i] != "") protected[words[i]] = 1
    }
  }
}

function is_protected(name) {
  return name in protected || name ~ /^(TEST|TYPED_TEST|EXPECT_|ASSERT_|GTEST_|CmpHelper|ADD_FAILURE|gtest_)/ ||
         name ~ /^(FAIL|SUCCEED|SCOPED_TRACE)$/
}

/^[ \t]*#[ \t]*(define|undef)[ \t]/ {
  name = $0
  sub(/^[ \t]*#[ \t]*(define|undef)[ \t]+/, "", name)
  sub(/[^A-Za-z0-9_].*/, "", name)
  if (is_protected(name)) print
}
