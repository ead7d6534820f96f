#pragma once

#include "measure.hpp"
#include "todo.hpp"

namespace concurrent {

/// How often add() has been called.
inline int additions = 0;

/// Adds two numbers.
inline int add(int a, int b) {
  ++additions;
  // <exercise 1.1 add>
  return a + b;
  // </exercise>
}

/// Multiplies two numbers that are not negative, by adding.
inline int multiply(int a, int b) {
  // <exercise 2.1 multiply>
  int product = 0;
  for (int i = 0; i < b; ++i) product = add(product, a);
  return product;
  // </exercise>
}

/// Raises `a` to the power of `b`, which is not negative, by multiplying.
inline int power(int a, int b) {
  // <exercise 10.1 power>
  int result = 1;
  for (int i = 0; i < b; ++i) result = multiply(result, a);
  return result;
  // </exercise>
}

}  // namespace concurrent
