#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include "client/api.h"
#include "client/script_verbs.h"

namespace txtchat::client {

// What the verbs that make one call, or a few, have in common.

// A line of a verb's result, to standard output at once.
void PrintLine(const std::string& line);

// A line for people, to standard error.
void PrintError(const std::string& line);

// Says what went wrong with a command line that can be read; answers the exit code.
int WrongUsage(const std::string& problem);

// Tells that `what` failed; answers the exit code.
int Fail(const ScriptOptions& options, const std::string& what, const grpc::Status& status);

// Makes calls of one service as the user of `options.token`, or as nobody if that is empty. Holds
// `options`. Not thread-safe; each call blocks.
template <typename Service>
class Caller {
 public:
  explicit Caller(const ScriptOptions& options)
      : options_(options), stub_(Service::NewStub(MakeChannel(options.server))) {}

  template <typename Request, typename Response>
  using Method = grpc::Status (Service::Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Request, typename Response>
  grpc::Status Call(Method<Request, Response> method, const Request& request, Response* response) {
    grpc::ClientContext context;
    PrepareContext(context, options_.token, options_.timeout);
    return (stub_.get()->*method)(&context, request, response);
  }

 private:
  const ScriptOptions& options_;
  const std::unique_ptr<typename Service::Stub> stub_;
};

}  // namespace txtchat::client
