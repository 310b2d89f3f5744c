// Memory that values share which are not there at the same time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace cnnkit {

// Blocks are asked for in order; each has a place from the step that first writes it to the one that
// last reads it.
class Arena {
 public:
  // The number of a new block, that the step of a number writes.
  int64_t Allocate(int64_t bytes, int64_t step) {
    constexpr int64_t kLine = 64;  // bytes of a cache line
    blocks_.push_back({(bytes + kLine - 1) / kLine * kLine, step, step, true, 0});
    return static_cast<int64_t>(blocks_.size()) - 1;
  }

  // A step reads or writes a block, later than those before.
  void Use(int64_t block, int64_t step) { blocks_[block].last = step; }

  // A block lies elsewhere.
  void Release(int64_t block) { blocks_[block].here = false; }

  // Gives each block the first place where none lies at the same time.
  void Arrange() {
    for (size_t at = 0; at < blocks_.size(); ++at) {
      Block& block = blocks_[at];
      if (!block.here) continue;
      std::vector<std::pair<int64_t, int64_t>> taken;
      for (size_t other = 0; other < at; ++other) {
        const Block& before = blocks_[other];
        if (before.here && before.last >= block.first && before.first <= block.last) {
          taken.emplace_back(before.offset, before.offset + before.bytes);
        }
      }
      std::sort(taken.begin(), taken.end());
      for (const auto& [begin, end] : taken) {
        if (block.offset + block.bytes <= begin) break;
        block.offset = std::max(block.offset, end);
      }
      bytes_ = std::max(bytes_, block.offset + block.bytes);
    }
  }

  // Where a block begins, in bytes.
  int64_t offset(int64_t block) const { return blocks_[block].offset; }

  // The bytes of all together.
  int64_t bytes() const { return bytes_; }

 private:
  struct Block {
    int64_t bytes, first, last;
    bool here;
    int64_t offset;
  };

  std::vector<Block> blocks_;
  int64_t bytes_ = 0;
};

}  // namespace cnnkit
