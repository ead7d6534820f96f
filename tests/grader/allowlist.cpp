#include "allowlist.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace grader {
namespace {

using Words = std::set<std::string_view>;

/// Splits text into its words.
Words words_of(std::string_view text) {
  Words words;
  for (std::size_t end = 0; !text.empty(); text.remove_prefix(std::min(end + 1, text.size()))) {
    end = std::min(text.find(' '), text.size());
    words.insert(text.substr(0, end));
  }
  return words;
}

/// All of the standard library but <fstream>, <filesystem> and <stacktrace>.
const Words standard_headers = words_of(
    "algorithm any array atomic barrier bit bitset cassert ccomplex cctype cerrno cfenv cfloat charconv "
    "chrono cinttypes ciso646 climits clocale cmath codecvt compare complex concepts condition_variable "
    "coroutine csetjmp csignal cstdalign cstdarg cstdbool cstddef cstdint cstdio cstdlib cstring ctgmath "
    "ctime cuchar cwchar cwctype deque exception execution expected flat_map flat_set format forward_list "
    "functional future generator initializer_list iomanip ios iosfwd iostream istream iterator latch "
    "limits list locale map mdspan memory memory_resource mutex new numbers numeric optional ostream "
    "print queue random ranges ratio regex scoped_allocator semaphore set shared_mutex source_location "
    "span spanstream sstream stack stdexcept stdfloat stop_token streambuf string string_view strstream "
    "syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set "
    "utility valarray variant vector version "
    "assert.h complex.h ctype.h errno.h fenv.h float.h inttypes.h iso646.h limits.h locale.h math.h "
    "setjmp.h signal.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h "
    "string.h tgmath.h time.h uchar.h wchar.h wctype.h");

/// Those of the system that a solution includes, and a few that belong to the same work.
const Words system_headers = words_of(
    "arpa/inet.h cxxabi.h fcntl.h netdb.h netinet/in.h netinet/tcp.h poll.h pthread.h sched.h semaphore.h "
    "sys/epoll.h sys/eventfd.h sys/mman.h sys/prctl.h sys/resource.h sys/select.h sys/signalfd.h "
    "sys/socket.h sys/stat.h sys/time.h sys/timerfd.h sys/times.h sys/types.h sys/uio.h sys/un.h "
    "sys/wait.h unistd.h");

// Functions that also have a name with 64 at its end are listed without.
const Words programs = words_of(
    "execl execlp execle execv execvp execve execvpe fexecve execveat popen vfork _Fork clone3 "
    "posix_spawn posix_spawnp forkpty wordexp MPI_Comm_spawn MPI_Comm_spawn_multiple");
const Words memory = words_of(
    "ptrace process_vm_readv process_vm_writev process_madvise dlopen dlmopen dlsym dlvsym dladdr "
    "dl_iterate_phdr mprotect pkey_mprotect mremap syscall prctl memfd_create unshare setns makecontext "
    "getcontext setcontext swapcontext sigaltstack pthread_getattr_np pthread_attr_getstack mmap64 sbrk "
    "vmsplice userfaultfd pidfd_open pidfd_getfd");
const Words environment = words_of(
    "getenv secure_getenv setenv unsetenv putenv clearenv environ getauxval program_invocation_name "
    "program_invocation_short_name");
const Words files = words_of(
    "ofstream ifstream fstream wofstream wifstream wfstream basic_ofstream basic_ifstream basic_fstream "
    "filebuf wfilebuf basic_filebuf stdio_filebuf filesystem fopen freopen fdopen tmpfile tmpnam tempnam "
    "mktemp mkstemp mkostemp mkstemps mkostemps mkdtemp openat openat2 open_by_handle_at creat mkdir "
    "mkdirat mknod mknodat mkfifo mkfifoat rmdir symlinkat linkat readlink readlinkat unlinkat renameat "
    "renameat2 ftruncate fallocate posix_fallocate fchmod fchmodat lchmod fchown fchownat lchown utime "
    "utimes futimes lutimes utimensat futimens chdir fchdir chroot pivot_root umount realpath getcwd "
    "get_current_dir_name faccessat euidaccess eaccess shm_open shm_unlink shmget shmat semget msgget "
    "mq_open sem_open opendir fdopendir scandir fts_open ftw nftw copy_file_range posix_openpt openpty "
    "getpt ttyname ttyname_r MPI_File_open MPI_File_delete");
/// Names that are ordinary ones too, so that only their use as the system's functions counts.
const Words calls = words_of(
    "open system kill fork link symlink unlink rename chmod chown truncate mount clone daemon personality "
    "glob acct access");
/// A name that the standard has for something else, too: only the object tells which was meant.
const Words told_by_objects = words_of("remove");

/// Namespaces of the test library, the grader and the tests' helpers.
const Words namespaces = words_of("testing grader channel course explore last_words backtrace");
/// Those of them that a submission could see, were it not for the list.
const Words seen_namespaces = words_of("testing grader course explore");
const Words test_words = words_of(
    "TEST TEST_F TEST_P SCOPED_TRACE ADD_FAILURE ADD_FAILURE_AT RUN_ALL_TESTS UnitTest TestBody "
    "TestInfo TestFactoryImpl TestPartResult AssertionResult FRIEND_TEST");
constexpr std::array test_prefixes{"EXPECT_",  "ASSERT_",    "GTEST_",       "gtest_",
                                   "TEST_",    "TYPED_TEST", "INSTANTIATE_", "EXPLORE_",
                                   "explore_", "GRADER_",    "grader_",      "FLAGS_gtest"};

bool begins_with_any(std::string_view word, const auto& prefixes) {
  return std::ranges::any_of(prefixes, [&](const char* prefix) { return word.starts_with(prefix); });
}

bool names_namespace(const std::string& word, const Place& place) {
  if (!namespaces.contains(word)) return false;
  return (place.next == "::" && seen_namespaces.contains(word)) || place.last == "namespace" ||
         place.global || place.alias;
}

/// What a header declares may be a variable or a method of its own: then its object tells.
bool calls_function(const std::string& word, const Place& place) {
  if (!calls.contains(without_64(word)) || place.last == "." || place.last == "->") return false;
  return place.global || (place.last != "::" && !place.declared);
}

/// True for names that belong to the compiler and its library, except for a few that all may use.
bool is_reserved(std::string_view word) {
  static const Words harmless =
      words_of("__func__ __FILE__ __LINE__ __PRETTY_FUNCTION__ __int128 __cplusplus");
  if (harmless.contains(word)) return false;
  const bool capital =
      word.size() > 1 && word[0] == '_' && std::isupper(static_cast<unsigned char>(word[1])) != 0;
  return (capital && word != "_Exit") || word.find("__") != std::string_view::npos;
}

}  // namespace

std::string_view without_64(std::string_view name) {
  return name.size() > 2 && name.ends_with("64") ? name.substr(0, name.size() - 2) : name;
}

bool is_library_header(std::string_view name) {
  const bool cereal = (name.starts_with("cereal/types/") || name.starts_with("cereal/archives/")) &&
                      name.ends_with(".hpp") && name.find("..") == std::string_view::npos;
  return standard_headers.contains(name) || system_headers.contains(name) || cereal ||
         name == "nlohmann/json.hpp";
}

bool is_course_namespace(std::string_view name) {
  return name == "concurrent" || name == "asyncio" || name == "downloads";
}

bool is_customisation(std::string_view name) {
  static const Words known = words_of(
      "hash coroutine_traits formatter tuple_size tuple_element common_type basic_common_reference "
      "is_error_code_enum is_error_condition_enum uses_allocator less greater equal_to numeric_limits "
      "iterator_traits pointer_traits enable_borrowed_range enable_view disable_sized_range");
  return known.contains(name);
}

bool is_harmless_attribute(std::string_view name) {
  static const Words known = words_of(
      "nodiscard maybe_unused no_unique_address likely unlikely noreturn deprecated fallthrough "
      "carries_dependency assume gnu::always_inline gnu::noinline");
  return known.contains(name);
}

std::string objection(const std::string& word, const Place& place) {
  if (word == "asm") return "asm is not allowed: it could change the grader's code";
  if (word == "extern") return "extern is not allowed: it could reach the grader's variables";
  if (word == "export") return "export is not allowed: the course is made of headers, not of modules";
  if (is_reserved(word)) return word + " is not allowed: such names belong to the compiler and its library";
  if (names_namespace(word, place) || test_words.contains(word) || begins_with_any(word, test_prefixes))
    return word + " is not allowed: it is a name of the test library or of the grader";
  if (programs.contains(without_64(word)))
    return word + " is not allowed: a submission starts no other program";
  if (memory.contains(word) || memory.contains(without_64(word)))
    return word + " is not allowed: it reaches beyond the submission's own memory";
  if (environment.contains(word)) return word + " is not allowed: the environment belongs to the grader";
  if (files.contains(without_64(word))) return word + " is not allowed: a submission opens no files here";
  if (calls_function(word, place)) return called(word) + "; of a method of yours, write this->" + word + "()";
  return "";
}

std::string called(const std::string& function) {
  return "a call of " + function + "() is not allowed in this chapter";
}

bool is_declared(const std::string& word, const Place& place) {
  if (!calls.contains(without_64(word)) || place.last == "::") return false;
  // `enum class State { open, closed }`, `auto [open, link]`, `[link = &node]`
  const bool listed = place.last == "{" || place.last == "," || place.last == "[";
  const bool ends = place.next == "}" || place.next == "," || place.next == "=" || place.next == "]";
  return place.after_word || (listed && ends);
}

bool is_foreign(const std::string& symbol) {
  const std::string_view name = without_64(symbol);
  return programs.contains(name) || environment.contains(name) || files.contains(name) ||
         calls.contains(name) || told_by_objects.contains(name);
}

std::string objection_to_text(std::string_view text) {
  for (const char* part : {"/proc/", "EXPLORE_", "GRADER_", "GTEST_", "--gtest"})
    if (text.find(part) != std::string_view::npos)
      return "a string with " + std::string(part) + " in it is not allowed";
  return "";
}

}  // namespace grader
