#include "gateway/line_codec.h"

#include <utility>

namespace txtchat::gateway {
namespace {

std::string_view WithoutCarriageReturn(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// Gives the memory back, which clear() does not.
void Release(std::string& s) { std::string().swap(s); }

}  // namespace

std::optional<LineSplitter::Line> LineSplitter::Next() {
  if (std::exchange(line_is_out_, false)) Release(partial_);
  while (!input_.empty()) {
    const std::size_t end = input_.find('\n');
    if (end == std::string_view::npos) return TakeRest();
    const std::string_view head = input_.substr(0, end);
    input_.remove_prefix(end + 1);
    if (std::exchange(skipping_, false)) continue;
    return TakeLine(head);
  }
  if (!kept_.empty()) Release(kept_);
  return finished_ ? TakeFinal() : std::nullopt;
}

// A line that ends with `head`.
std::optional<LineSplitter::Line> LineSplitter::TakeLine(std::string_view head) {
  std::string_view line = head;
  if (!partial_.empty()) {
    partial_.append(head);
    line_is_out_ = true;
    line = partial_;
  }
  line = WithoutCarriageReturn(line);
  if (line.size() > line_bytes_max_) return Line{.too_long = true};
  return Line{.text = line};
}

// Input without the end of a line.
std::optional<LineSplitter::Line> LineSplitter::TakeRest() {
  const std::string_view head = std::exchange(input_, {});
  std::optional<Line> line;
  if (!skipping_) {
    if (IsTooLong(partial_.size() + head.size(), head.back())) {
      skipping_ = true;
      Release(partial_);
      line = Line{.too_long = true};
    } else {
      partial_.append(head);
    }
  }
  Release(kept_);
  if (line.has_value() || !finished_) return line;
  return TakeFinal();
}

std::optional<LineSplitter::Line> LineSplitter::TakeFinal() {
  finished_ = false;
  if (std::exchange(skipping_, false) || partial_.empty()) return std::nullopt;
  return TakeLine({});
}

void LineSplitter::Keep() {
  if (input_.empty()) return;
  std::string copy(input_);  // input_ may lie in kept_.
  kept_ = std::move(copy);
  input_ = kept_;
}

void LineSplitter::Clear() {
  input_ = {};
  Release(kept_);
  Release(partial_);
  line_is_out_ = skipping_ = finished_ = false;
}

std::string_view FieldReader::Next() {
  const std::size_t end = rest_.find('$');
  const std::string_view field = rest_.substr(0, end);
  at_end_ = end == std::string_view::npos;
  rest_.remove_prefix(at_end_ ? rest_.size() : end + 1);
  return field;
}

std::string_view FieldReader::Rest() {
  at_end_ = true;
  return rest_;
}

}  // namespace txtchat::gateway
