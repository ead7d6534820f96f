#include "thrown.hpp"

#include <cxxabi.h>

#include "errors.hpp"
#include "type_name.hpp"

std::string course::what(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const concurrent::CancelledError&) {
    return "cancelled";
  } catch (const concurrent::TimeoutError&) {
    return "timeout";
  } catch (const concurrent::BrokenPromise&) {
    return "broken promise";
  } catch (const std::exception& e) {
    return e.what();
  } catch (int number) {
    return std::to_string(number);
  } catch (...) {
    // asyncio's has no base and belongs to a chapter, whose headers nothing here may need.
    const std::string type = concurrent::type_name(*abi::__cxa_current_exception_type());
    return type == "asyncio::CancelledError" ? "cancelled" : type;
  }
  return "nothing";
}
