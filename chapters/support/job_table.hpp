#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "job_record.hpp"
#include "sqlite.hpp"

namespace asyncio::jobs {

/// The jobs of a server in a file of SQLite's: a row each, under its ID. One thread at a time may use it.
class JobTable {
 public:
  /// Opens the file, or makes it. What save() has written is there after a crash, even if the power fails.
  /// @throws SqliteError, also if another server has the file open
  explicit JobTable(const std::string& path) : database_(path) {
    database_.execute("PRAGMA busy_timeout = 2000");  // an earlier server may be about to end
    database_.execute("PRAGMA locking_mode = EXCLUSIVE");
    database_.execute("PRAGMA journal_mode = WAL");
    database_.execute("PRAGMA synchronous = FULL");
    database_.execute(
        "CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, ended INTEGER NOT NULL, job TEXT NOT "
        "NULL)");
    database_.execute("BEGIN IMMEDIATE; COMMIT");
  }

  /// Writes jobs, in one transaction: all of them are on disk when it returns, or, if it throws, none.
  /// @throws SqliteError if the disk is full, or fails
  void save(std::span<const JobRecord> jobs) {
    database_.execute("BEGIN IMMEDIATE");
    try {
      Database::Statement insert(database_, "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)");
      for (const JobRecord& job : jobs) {
        insert.bind(1, job.id);
        insert.bind(2, std::int64_t{has_ended(job.state)});
        insert.bind(3, to_text(job));
        insert.step();
      }
      database_.execute("COMMIT");
    } catch (...) {
      try {
        database_.execute("ROLLBACK");
      } catch (const SqliteError&) {  // it has rolled back by itself
      }
      throw;
    }
  }

  /// Reads all jobs that have not ended, and the newest `most_ended` of the others, in the order of their
  /// IDs. Those that have ended before go.
  std::vector<JobRecord> load(std::size_t most_ended) {
    Database::Statement prune(database_,
                              "DELETE FROM jobs WHERE ended = 1 AND id NOT IN "
                              "(SELECT id FROM jobs WHERE ended = 1 ORDER BY id DESC LIMIT ?)");
    prune.bind(1, static_cast<std::int64_t>(most_ended));
    prune.step();
    std::vector<JobRecord> jobs;
    Database::Statement select(database_, "SELECT job FROM jobs ORDER BY id");
    while (select.step()) jobs.push_back(job_from_json(Json::parse(select.text(0))));
    return jobs;
  }

 private:
  Database database_;
};

}  // namespace asyncio::jobs
