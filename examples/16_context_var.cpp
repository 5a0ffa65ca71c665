// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// A context variable has a value of its own in each task: the id of the request that is being
// served, wherever it is needed and however many are served at once. A task starts with what its
// creator has set; what it sets itself, the creator and the other tasks do not see.
//
//   asyncio                                       | $ 16_context_var
//   request_id = ContextVar("request_id",         | REQ-001 queries the database
//                           default="nobody")     | REQ-002 queries the database
//   async def serve(id):                          | nobody is served here
//       request_id.set(id)                        |
//       await query()                             |
//   await asyncio.gather(serve("REQ-001"),        |
//                        serve("REQ-002"))        |

#include <chrono>
#include <cstdio>
#include <string>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::ContextVar<std::string> request_id("request_id", "nobody");

rondo::Coro<> query() {
    co_await rondo::sleep(10ms); // the other request sets its id meanwhile
    std::printf("%s queries the database\n", request_id.get().c_str());
}

rondo::Coro<> serve(std::string id) {
    request_id.set(id);
    co_await query();
}

rondo::Coro<> serve_both() {
    co_await rondo::gather(serve("REQ-001"), serve("REQ-002"));
    std::printf("%s is served here\n", request_id.get().c_str());
}

int main() {
    rondo::run(serve_both());
}
