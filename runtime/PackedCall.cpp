#include "runtime/PackedCall.h"

namespace mho {

void PackedCall::tensor(const TensorRef &t) {
  words.push_back(Word{t.data});
  words.push_back(Word{t.data});
  index(0);
  for (int i = 0; i < t.rank; ++i)
    index(t.sizes[i]);
  for (int i = 0; i < t.rank; ++i)
    index(t.strides[i]);
}

void PackedCall::scalar(float v) {
  Word word{};
  word.real = v;
  words.push_back(word);
}

void PackedCall::index(int64_t v) {
  Word word{};
  word.integer = v;
  words.push_back(word);
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
  pointers.clear();
  for (Word &word : words)
    pointers.push_back(&word);
  return pointers.data();
}

} // namespace mho
