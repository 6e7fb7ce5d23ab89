#include "runtime/KernelCall.h"

#include <cassert>

namespace mho {

void PackedCall::push(Word word) {
  assert(count < kCapacity && "a kernel has more arguments than any layer needs");
  words[count++] = word;
}

void PackedCall::tensor(const TensorRef &t) {
  push(Word{t.data});
  push(Word{t.data});
  index(0);
  for (int i = 0; i < t.rank; ++i)
    index(t.sizes[i]);
  for (int i = 0; i < t.rank; ++i)
    index(t.strides[i]);
}

void PackedCall::scalar(float v) {
  Word word{};
  word.real = v;
  push(word);
}

void PackedCall::index(int64_t v) {
  Word word{};
  word.integer = v;
  push(word);
}

void PackedCall::vector(void *data, int64_t elements) {
  TensorRef t;
  t.data = data;
  t.rank = 1;
  t.sizes[0] = elements;
  t.strides[0] = 1;
  tensor(t);
}

void **PackedCall::table() {
  for (int i = 0; i < count; ++i)
    pointers[i] = &words[i];
  return pointers;
}

} // namespace mho
