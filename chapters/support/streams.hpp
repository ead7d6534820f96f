#pragma once

// Chapter 12 sends bytes over time: this one header is all that you include.

#include "epoll_run.hpp"
#include "open_connection.hpp"
#include "sock_io.hpp"
#include "stream_reader.hpp"
#include "stream_server.hpp"
#include "stream_writer.hpp"
