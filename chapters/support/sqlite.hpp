#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace asyncio {

/// An operation that SQLite could not do: a full disk, a file that another process has, …
class SqliteError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A database in a file. One thread at a time may use it.
class Database {
 public:
  /// Opens the file, or makes it. @throws SqliteError
  explicit Database(const std::string& path) {
    sqlite3* opened = nullptr;
    const int result = ::sqlite3_open_v2(
        path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
    connection_.reset(opened);
    check(result);
  }

  /// Runs a statement that has no values and no rows. @throws SqliteError
  void execute(const char* statement) {
    check(::sqlite3_exec(connection_.get(), statement, nullptr, nullptr, nullptr));
  }

  /// A statement with values, `?`, and with rows.
  class Statement {
   public:
    Statement(Database& database, const char* text) : database_(database) {
      sqlite3_stmt* prepared = nullptr;
      database.check(::sqlite3_prepare_v2(database.connection_.get(), text, -1, &prepared, nullptr));
      statement_.reset(prepared);
    }
    /// Sets the value of the n-th `?`, from 1 on.
    void bind(int n, std::int64_t value) {
      database_.check(::sqlite3_bind_int64(statement_.get(), n, value));
    }
    void bind(int n, std::string_view value) {
      database_.check(::sqlite3_bind_text64(statement_.get(), n, value.data(), value.size(), SQLITE_TRANSIENT,
                                            SQLITE_UTF8));
    }
    /// Goes to the next row. @returns false if there is none; then the statement may be used again
    bool step() {
      const int result = ::sqlite3_step(statement_.get());
      if (result == SQLITE_ROW) return true;
      database_.check(::sqlite3_reset(statement_.get()));
      if (result != SQLITE_DONE) database_.check(result);
      return false;
    }
    /// Returns a column of the row, from 0 on.
    [[nodiscard]] std::string text(int column) {
      const auto* const value =
          reinterpret_cast<const char*>(::sqlite3_column_text(statement_.get(), column));
      return value ? std::string(value,
                                 static_cast<std::size_t>(::sqlite3_column_bytes(statement_.get(), column)))
                   : std::string();
    }
    [[nodiscard]] std::int64_t number(int column) { return ::sqlite3_column_int64(statement_.get(), column); }

   private:
    struct Finalize {
      void operator()(sqlite3_stmt* statement) const noexcept { ::sqlite3_finalize(statement); }
    };
    Database& database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  };

 private:
  struct Close {
    void operator()(sqlite3* connection) const noexcept { ::sqlite3_close_v2(connection); }
  };

  void check(int result) {
    if (result != SQLITE_OK && result != SQLITE_DONE)
      throw SqliteError(connection_ ? ::sqlite3_errmsg(connection_.get()) : ::sqlite3_errstr(result));
  }

  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace asyncio
